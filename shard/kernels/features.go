package kernels

// feature is an instruction set, by its name in /proc/cpuinfo without underscores.
type feature struct {
	name string
	has  bool
}

func present(all []feature) (names []string) {
	for _, f := range all {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}
