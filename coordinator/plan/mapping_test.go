package plan

import (
	"testing"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func TestMappingOfHello(t *testing.T) {
	for repack, want := range map[string]place.Mapping{
		"auto": place.MapIfShort, "never": place.MapAll, "always": place.MapNothing, "": place.MapNothing,
	} {
		if got := newNode(wire.Hello{Repack: repack}, 0).forPlacing().Mapping; got != want {
			t.Errorf("repack %q is mapping %d for placement, want %d", repack, got, want)
		}
	}
}
