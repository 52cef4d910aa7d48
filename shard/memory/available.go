package memory

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// unknown is what Available gives where the system does not say.
const unknown = 4 << 30

// Available is what the system can give without swapping, in bytes, under the limit of the control group.
func Available() int64 {
	free := int64(unknown)
	if f, err := os.Open("/proc/meminfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var kib int64
			if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); n == 1 {
				free = kib << 10
			}
		}
	}
	return min(free, containerLimit())
}

// containerLimit is the memory limit of the control group, if there is one.
func containerLimit() int64 {
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var n int64
		if _, err := fmt.Sscan(strings.TrimSpace(string(b)), &n); err == nil && n > 0 {
			return n
		}
	}
	return 1 << 60
}
