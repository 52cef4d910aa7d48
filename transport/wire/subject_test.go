package wire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestSubjects(t *testing.T) {
	s := Subjects{Cluster: "home"}
	for got, want := range map[string]string{
		s.Generate():               "sc.home.coord.generate",
		s.Router():                 "sc.home.coord.router",
		s.Nodes():                  "sc.home.coord.node",
		s.Sampled():                "sc.home.coord.sampled",
		s.Admin():                  "sc.home.coord.admin",
		s.Ledger():                 "sc.home.ledger",
		s.AllNodes():               "sc.home.nodes",
		s.Control("shard-1", "b7"): "sc.home.node.shard-1.b7.ctl",
		s.Input("shard-1", "b7"):   "sc.home.node.shard-1.b7.in",
		s.Delta("router-1", "b9"):  "sc.home.router.router-1.b9",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "shard-1", "Home_2", strings.Repeat("x", MaxName)} {
		if err := CheckName("node", good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", ".", "a.b", "a b", "*", ">", "a\n", "é", "a/b", "\xff", strings.Repeat("x", MaxName+1)} {
		if err := CheckName("node", bad); err == nil || !strings.Contains(err.Error(), "node name") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Control messages outlive a version of the program: roles are upgraded one by one. The golden file has one of each
// with every field set, so that a renamed or retyped field is seen.
func TestControlGolden(t *testing.T) {
	var b strings.Builder
	for _, m := range []any{Generate{}, GenerateReply{}, NodeMessage{}, ControlMessage{}, RouterMessage{},
		AdminRequest{}, AdminReply{}, CardRequest{}, CardChunk{}, PlanRequest{}, PlanReply{}, DrainRequest{}, ScaleRequest{}, Status{}} {
		v := reflect.New(reflect.TypeOf(m)).Elem()
		number := 0
		fill(v, &number)
		text, err := json.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(v.Type().Name() + " " + string(text) + "\n")
		again := reflect.New(v.Type())
		if err := json.Unmarshal(text, again.Interface()); err != nil || !reflect.DeepEqual(again.Elem().Interface(), v.Interface()) {
			t.Errorf("%s does not survive: %v\n%s", v.Type().Name(), err, text)
		}
	}
	path := filepath.Join("testdata", "control.txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("control messages changed (fields may be added, not renamed):\n%s", b.String())
	}
}

// fill gives every field of v a value of its own.
func fill(v reflect.Value, number *int) {
	*number++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), number)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), number)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`{"raw":1}`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), number)
	case reflect.String:
		v.SetString("text" + strings.Repeat("!", *number%3))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(*number) + 0.5)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*number % 100))
	default:
		v.SetUint(uint64(*number % 100))
	}
}
