package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// maxDepth bounds the nesting of a schema.
const maxDepth = 128

// value is a JSON value whose members keep their order.
type value struct {
	kind    byte // one of n b 0 " [ {
	text    string
	items   []*value
	members []member
}

type member struct {
	name  string
	value *value
}

// get is the member called name, nil for none.
func (v *value) get(name string) *value {
	for i := range v.members {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return nil
}

func parseValue(data []byte) (*value, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := readValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more follows the schema")
	}
	return v, nil
}

func readValue(d *json.Decoder, depth int) (*value, error) {
	if depth > maxDepth {
		return nil, errors.New("the schema is nested too deep")
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return readArray(d, depth)
		}
		return readObject(d, depth)
	case string:
		return &value{kind: '"', text: t}, nil
	case json.Number:
		return &value{kind: '0', text: t.String()}, nil
	case bool:
		if t {
			return &value{kind: 'b', text: "true"}, nil
		}
		return &value{kind: 'b', text: "false"}, nil
	}
	return &value{kind: 'n', text: "null"}, nil
}

func readArray(d *json.Decoder, depth int) (*value, error) {
	v := &value{kind: '['}
	for d.More() {
		item, err := readValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	_, err := d.Token()
	return v, err
}

func readObject(d *json.Decoder, depth int) (*value, error) {
	v := &value{kind: '{'}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok || seen[name] {
			return nil, errors.New("a name is there twice, or is none")
		}
		seen[name] = true
		item, err := readValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		v.members = append(v.members, member{name, item})
	}
	_, err := d.Token()
	return v, err
}

// canonical is the value as JSON without white space; in strings only what must be is escaped.
func (v *value) canonical() string {
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v *value) write(b *strings.Builder) {
	switch v.kind {
	case '"':
		b.WriteString(quote(v.text))
	case '[':
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	case '{':
		b.WriteByte('{')
		for i, m := range v.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quote(m.name) + ":")
			m.value.write(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString(v.text)
	}
}

// quote is a JSON string in which only quotes, backslashes and control characters are escaped.
func quote(s string) string {
	const hex = "0123456789abcdef"
	b := []byte{'"'}
	for i := range len(s) {
		c := s[i]
		short := strings.IndexByte("\b\f\n\r\t", c)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case short >= 0:
			b = append(b, '\\', "bfnrt"[short])
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
