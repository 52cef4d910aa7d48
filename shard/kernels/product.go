package kernels

// Job is one product of a set: Y [rows, Stride] receives the activations times M.
type Job struct {
	M      *Matrix
	Y      []float32
	Stride int
}

// Products multiplies one batch of activations by several matrices in one loop of a pool, as a layer's query, key
// and value do. It keeps its slices, so a forward pass does not allocate.
type Products struct {
	pool *Pool
	acts *Acts
	jobs []Job
	ends []int // chunks up to and including job i
	unit []int // groups in a chunk of job i
	run  func(worker, i int)
	view []view       // by worker, for mapped matrices
	work []*workspace // by worker
}

// chunkBytes is what a chunk of a product reads: some microseconds, much more than handing it out costs and far
// less than the 100 µs after which Go's scheduler wants a word.
const chunkBytes = 96 << 10

// gemmFrom is how many rows make unpacking the weights first worth while, gemmGroups how many groups a thread takes
// then: half of them share each reading of the activations.
const (
	gemmFrom   = 9
	gemmGroups = 8
)

// NewProducts makes a set for a pool.
func NewProducts(pool *Pool) *Products {
	p := &Products{pool: pool, view: make([]view, pool.Threads())}
	for range pool.Threads() {
		p.work = append(p.work, newWorkspace())
	}
	p.run = p.chunk
	return p
}

// Mul computes every job for all rows of a.
func (p *Products) Mul(a *Acts, jobs ...Job) {
	if a.rows == 0 {
		return
	}
	p.acts = a
	p.jobs = append(p.jobs[:0], jobs...)
	p.ends, p.unit = p.ends[:0], p.unit[:0]
	total := 0
	for _, j := range jobs {
		groups := j.M.Groups()
		unit := max(1, min(chunkBytes/j.M.GroupBytes(), groups/(4*p.pool.Threads())))
		if a.rows >= gemmFrom {
			unit = gemmGroups
		} else if a.rows > 1 {
			unit = max(1, unit/a.rows)
		}
		total += (groups + unit - 1) / unit
		p.ends, p.unit = append(p.ends, total), append(p.unit, unit)
	}
	p.pool.Run(total, p.run)
}

func (p *Products) chunk(worker, i int) {
	n := 0
	for i >= p.ends[n] {
		n++
	}
	if n > 0 {
		i -= p.ends[n-1]
	}
	j := &p.jobs[n]
	m, y := j.M, j.Y
	from, to := i*p.unit[n], min((i+1)*p.unit[n], m.Groups())
	if m.file != nil {
		m, y = p.view[worker].of(m, from, to), y[from*groupRows:]
		from, to = 0, to-from
	}
	m.mulGroups(y, j.Stride, p.acts, from, to, p.work[worker])
}
