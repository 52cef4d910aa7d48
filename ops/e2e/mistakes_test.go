package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A mistake on the command line is said at once, before a process or a folder is made.
func TestUpRefusesMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no shards":               {[]string{"--shards", "0"}, "at least 1"},
		"more shards than layers": {[]string{"--shards", "13"}, "12 layers"},
		"price":                   {[]string{"--price-prompt", "cheap"}, "--price-prompt"},
		"other price":             {[]string{"--price-completion", "1001"}, "--price-completion"},
		"model":                   {[]string{"--model", "/nothing/here.gguf"}, "here.gguf"},
		"address":                 {[]string{"--http", "127.0.0.1:99999"}, "give another --http"},
		"bind":                    {[]string{"--bind", "0.0.0.0"}, "--advertise"},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			args := append([]string{"up", "--data", data, "--http", freeAddress(t)}, c.args...)
			out, err := exec.Command(binary, args...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) || strings.Count(string(out), "\n") != 1 {
				t.Errorf("%v: %v, %q, want one line with %q", c.args, err, out, c.want)
			}
			if _, err := os.Stat(data); err == nil {
				t.Error("the data folder has been made")
			}
		})
	}
}

func TestKeysRefuseMistakes(t *testing.T) {
	c := up(t, "--shards", "1")
	for _, bad := range [][]string{{"--name", ""}, {"--budget=0"}, {"--budget=-1"}, {"--budget=much"}, {"--expires=-1h"}, {"--rpm=-2"}} {
		if out, err := c.ops(append([]string{"keys", "create", "--name", "x"}, bad...)...); err == nil {
			t.Errorf("%v made a key: %s", bad, out)
		}
	}
	c.mustOps("keys", "create", "--name", "x", "--rpm=-1", "--budget", "1.5", "--expires", "1h")
	out := c.mustOps("keys", "list")
	for _, want := range []string{"none", "$1.5", "active until", "sk-…"} {
		if !strings.Contains(out, want) {
			t.Errorf("the list does not show %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "……") {
		t.Error(out)
	}
	c.mustOps("health", strings.TrimPrefix(c.base, "http://")+"/ready")
}

// Ending is no trouble, and is not told as if it were.
func TestUpEndsQuietly(t *testing.T) {
	c := up(t, "--shards", "2")
	before := c.output()
	c.stop()
	if after := strings.TrimPrefix(c.output(), before); strings.Contains(after, "lost") || c.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("exit status %d, %q", c.cmd.ProcessState.ExitCode(), after)
	}
}

// An order that cannot be carried out is refused or given up; the next one is obeyed.
func TestScaleAfterOneThatCannotBe(t *testing.T) {
	c := up(t, "--shards", "2")
	if out, err := c.ops("scale", "13"); err == nil || !strings.Contains(err.Error(), "12 layers") {
		t.Errorf("scale 13: %v, %s", err, out)
	}
	if out := c.mustOps("plan", "--shards", "9"); !strings.Contains(out, "of 9 shards") {
		t.Errorf("a plan over 9 shards of 2: %s", out)
	}
	c.mustOps("drain", "shard-2")
	if out, err := c.ops("scale", "2", "--timeout", "1s"); err == nil {
		t.Errorf("the model runs on a drained shard: %s", out)
	}
	c.mustOps("scale", "1")
	if s := c.status(); len(s.Stages) != 1 || !s.Ready {
		t.Errorf("%+v", s)
	}
}
