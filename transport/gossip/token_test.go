package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

var token = Token{Cluster: "home", Secret: []byte("hunter2hunter2\x00\xff"), Seeds: []string{"10.0.0.7:7946", "[fe80::1]:7946"}}

func TestToken(t *testing.T) {
	s := token.String()
	if !strings.HasPrefix(s, "sc1.") || strings.ContainsAny(s, " \n+/=") {
		t.Errorf("not one word: %s", s)
	}
	got, err := ParseToken(" " + s + "\n")
	if err != nil || !reflect.DeepEqual(got, token) {
		t.Errorf("got %+v, %v", got, err)
	}
	for n := range s {
		if _, err := ParseToken(s[:n]); !errors.Is(err, ErrToken) {
			t.Errorf("cut to %d characters: %v", n, err)
		}
		if n < len(s)-1 {
			swapped := []byte(s)
			swapped[n] ^= 1
			if _, err := ParseToken(string(swapped)); !errors.Is(err, ErrToken) {
				t.Errorf("character %d changed: %v", n, err)
			}
		}
	}
}

func TestTokenRefuses(t *testing.T) {
	for name, change := range map[string]func(*Token){
		"cluster": func(t *Token) { t.Cluster = "a b" },
		"secret":  func(t *Token) { t.Secret = nil },
		"seeds":   func(t *Token) { t.Seeds = nil },
		"port":    func(t *Token) { t.Seeds = []string{"10.0.0.7"} },
	} {
		bad := token
		change(&bad)
		if _, err := ParseToken(bad.String()); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := ParseToken("sc1." + strings.Repeat("A", 1<<20)); !errors.Is(err, ErrToken) {
		t.Error("a megabyte is taken")
	}
}

func TestTokenIsNotLogged(t *testing.T) {
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "token", token)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "token", token)
	fmt.Fprintf(&b, "%#v", token)
	if strings.Contains(b.String(), "hunter") || strings.Contains(b.String(), token.String()[4:40]) {
		t.Errorf("shown: %s", b.String())
	}
	if !strings.Contains(b.String(), "home") {
		t.Errorf("says nothing: %s", b.String())
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(token.String())
	f.Add("sc1.AAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := ParseToken(s)
		if err != nil {
			return
		}
		again, err := ParseToken(tok.String())
		if err != nil || !reflect.DeepEqual(again, tok) {
			t.Fatalf("%+v became %+v, %v", tok, again, err)
		}
	})
}
