package bus

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// The derivation is a contract between versions: a rolling upgrade has both.
func TestCredentialsStayTheSame(t *testing.T) {
	for _, c := range []struct{ secret, cluster, want string }{
		{"0123456789abcdef", "home", "UDDSY44CLOFQ2FNBZCGNUUODLATSSTLK2SMWL3Y357XQOFQ6E7PL53UO"},
		{"0123456789abcdef", "work", ""},
		{"0123456789abcdeF", "home", ""},
	} {
		got, err := testAuth(t, c.secret, c.cluster).PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		if c.want != "" && got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.secret, c.cluster, got, c.want)
		}
		if c.want == "" && got == "UDDSY44CLOFQ2FNBZCGNUUODLATSSTLK2SMWL3Y357XQOFQ6E7PL53UO" {
			t.Errorf("%s, %s: the same key as another's", c.secret, c.cluster)
		}
	}
	if _, err := Credentials(nil, "home"); err == nil {
		t.Error("an empty secret is taken")
	}
}

func TestAuthIsNotShown(t *testing.T) {
	pair := testAuth(t, "secret", "a")
	seed, err := pair.nkey.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []Auth{pair, {User: "joe", Password: "hunter2"}} {
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "auth", a)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "auth", a)
		fmt.Fprintf(&b, "%v %+v %#v %s %q", a, a, a, a, a)
		if strings.Contains(b.String(), "hunter2") || strings.Contains(b.String(), string(seed)) {
			t.Errorf("shown: %s", b.String())
		}
	}
}
