package account

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestExport(t *testing.T) {
	at := time.Date(2026, 2, 28, 23, 59, 0, 0, time.UTC)
	b := clocked(t, t.TempDir(), &at)
	ctx := context.Background()
	key := makeKey(t, b, NewKey{}).ID
	for _, c := range []struct {
		user  string
		after time.Duration
	}{{"ann", 0}, {"ann", 0}, {"eve", 0}, {"ann", time.Minute}} {
		at = at.Add(c.after)
		settle(t, b, admitted(t, b, key, c.user), 10)
	}
	midnight := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		e    Export
		want string
	}{
		{Export{}, " //: 4 4 40"},
		{Export{By: []string{ByDay}}, "2026-02-28 //: 3 3 30; 2026-03-01 //: 1 1 10"},
		{Export{By: []string{ByUser, ByKey}}, " k/ann/: 3 3 30;  k/eve/: 1 1 10"},
		{Export{By: []string{ByKey, ByUser, ByModel, ByDay}}, "2026-02-28 k/ann/m: 2 2 20; 2026-02-28 k/eve/m: 1 1 10; 2026-03-01 k/ann/m: 1 1 10"},
		{Export{From: midnight}, " //: 1 1 10"},
		{Export{To: midnight}, " //: 3 3 30"},
		{Export{From: midnight, To: midnight}, ""},
	} {
		rows, err := b.Export(ctx, c.e)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %s/%s/%s: %d %d %d", r.Day, r.Name, r.User, r.Model, r.Requests, r.Prompt, r.Completion))
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%+v:\n got %q\nwant %q", c.e, got, c.want)
		}
	}
	if _, err := b.Export(ctx, Export{By: []string{"colour"}}); err == nil {
		t.Error("exported by colour")
	}
}
