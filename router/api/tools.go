package api

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

// Tool is a function that the model may call.
type Tool struct {
	Name string
	JSON json.RawMessage // as the request has it
}

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// readTools reads tools and what the request demands of them.
func readTools(o *object) (tools []Tool, parallel bool) {
	list, ok := o.array("tools")
	if ok && len(list) == 0 && o.err == nil {
		o.fail("tools", "the array is empty: leave it out instead")
		o.err.Code = "empty_array"
	}
	for i, raw := range list {
		t := o.at(fmt.Sprintf("tools[%d]", i), raw)
		tools = append(tools, readTool(t, raw))
		o.take(t.err)
	}
	parallel = o.boolean("parallel_tool_calls", true)
	if readToolChoice(o, tools) == "none" {
		return nil, parallel
	}
	return tools, parallel
}

func readTool(o *object, whole json.RawMessage) Tool {
	o.oneOf("type", "", "function")
	raw, ok := o.raw("function")
	if !ok {
		o.fail("function", "it is required")
		return Tool{}
	}
	f := o.at(o.name("function"), raw)
	name := f.str("name", "")
	if !toolName.MatchString(name) {
		f.fail("name", "%.80q is not 1 to 64 letters, digits, _, . and -", name)
	}
	f.str("description", "")
	if params, ok := f.raw("parameters"); ok {
		o.take(f.at(f.name("parameters"), params).err)
	}
	o.take(f.err)
	return Tool{Name: name, JSON: whole}
}

// readToolChoice returns none or auto.
func readToolChoice(o *object, tools []Tool) string {
	raw, ok := o.raw("tool_choice")
	if !ok {
		return "auto"
	}
	var mode string
	if json.Unmarshal(raw, &mode) != nil {
		readNamedTool(o, raw, tools)
		return "auto"
	}
	switch o.oneOf("tool_choice", "auto", "none", "auto", "required") {
	case "none":
		return "none"
	case "required":
		if len(tools) == 0 {
			o.fail("tool_choice", "it needs tools")
		}
		o.fail("tool_choice", "required is not served yet: use auto")
	}
	return "auto"
}

func readNamedTool(o *object, raw json.RawMessage, tools []Tool) {
	c := o.at("tool_choice", raw)
	c.oneOf("type", "", "function")
	var name string
	if fn, ok := c.raw("function"); ok {
		f := c.at(c.name("function"), fn)
		name = f.str("name", "")
		c.take(f.err)
	}
	if !slices.ContainsFunc(tools, func(t Tool) bool { return t.Name == name }) {
		c.fail("function.name", "%.80q is not among the tools", name)
	}
	c.fail("", "forcing a named function is not served yet: use auto")
	o.take(c.err)
}
