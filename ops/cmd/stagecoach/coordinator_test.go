package main

import "testing"

func TestNATSForOthers(t *testing.T) {
	for _, c := range []struct{ nats, advertise, want string }{
		{"nats://127.0.0.1:4222", "", "nats://127.0.0.1:4222"},
		{"nats://127.0.0.1:4222", "10.0.0.7", "nats://10.0.0.7:4222"},
		{"nats://127.0.0.1:4222", "10.0.0.7:7946", "nats://10.0.0.7:4222"},
		{"nats://127.0.0.1", "box", "nats://box:4222"},
		{"nats://[::1]:4333", "fd00::1", "nats://[fd00::1]:4333"},
		{"nats://[::1]:4333", "[fd00::1]", "nats://[fd00::1]:4333"},
		{"nats://[::1]:4333", "[fd00::1]:7946", "nats://[fd00::1]:4333"},
	} {
		cmd := coordinatorCmd{}
		cmd.NATS, cmd.Advertise = c.nats, c.advertise
		if got := cmd.natsForOthers(); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s advertised as %q is %q, want %s", c.nats, c.advertise, got, c.want)
		}
	}
}
