package api

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

// Modes of tool_choice.
const (
	chooseNone     = "none"
	chooseAuto     = "auto"
	chooseRequired = "required"
)

// toolChoice is what is demanded of the tools: a mode, or the function that must be called.
type toolChoice struct {
	mode  string
	named string // mode is chooseRequired
}

// readTools reads tools, as the request has them, and what it demands of them.
func readTools(o *object) (tools []json.RawMessage, choice toolChoice, parallel bool) {
	list, ok := o.array("tools")
	if ok && len(list) == 0 && o.err == nil {
		o.fail("tools", "the array is empty: leave it out instead")
		o.err.Code = "empty_array"
	}
	var names []string
	for i, raw := range list {
		t := o.at(fmt.Sprintf("tools[%d]", i), raw)
		names = append(names, readTool(t))
		o.take(t.err)
	}
	parallel = o.boolean("parallel_tool_calls", true)
	if choice = readToolChoice(o, names); choice.mode == chooseNone {
		return nil, choice, parallel
	}
	return list, choice, parallel
}

// readTool checks one function and returns its name.
func readTool(o *object) string {
	o.oneOf("type", "", "function")
	raw, ok := o.raw("function")
	if !ok {
		o.fail("function", "it is required")
		return ""
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
	return name
}

func readToolChoice(o *object, tools []string) toolChoice {
	raw, ok := o.raw("tool_choice")
	if !ok {
		return toolChoice{mode: chooseAuto}
	}
	var mode string
	if json.Unmarshal(raw, &mode) != nil {
		return toolChoice{mode: chooseRequired, named: readNamedTool(o, raw, tools)}
	}
	mode = o.oneOf("tool_choice", chooseAuto, chooseNone, chooseAuto, chooseRequired)
	if mode == chooseRequired && len(tools) == 0 {
		o.fail("tool_choice", "it needs tools")
	}
	return toolChoice{mode: mode}
}

// readNamedTool returns the name of the function that must be called.
func readNamedTool(o *object, raw json.RawMessage, tools []string) string {
	c := o.at("tool_choice", raw)
	c.oneOf("type", "", "function")
	var name string
	if fn, ok := c.raw("function"); ok {
		f := c.at(c.name("function"), fn)
		name = f.str("name", "")
		c.take(f.err)
	}
	if !slices.Contains(tools, name) {
		c.fail("function.name", "%.80q is not among the tools", name)
	}
	o.take(c.err)
	return name
}
