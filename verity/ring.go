package verity

// ring runs tasks on goroutines of their own, as many at a time as it has
// tasks, and hands them back in the order in which they were started. It keeps
// no goroutine between tasks. All methods belong to one goroutine.
type ring[T any] struct {
	slots              []ringSlot[T]
	started, collected int
	collect            func(*T) error
	err                error
}

type ringSlot[T any] struct {
	task *T
	work func()
	done chan struct{}
}

// newRing makes a ring over tasks. run works on a task in its own goroutine;
// collect takes each finished task, in order, in the goroutine that owns the
// ring. After the first error of collect the rest is only waited for.
func newRing[T any](tasks []*T, run func(*T), collect func(*T) error) *ring[T] {
	r := &ring[T]{slots: make([]ringSlot[T], len(tasks)), collect: collect}
	for i, t := range tasks {
		done := make(chan struct{}, 1)
		r.slots[i] = ringSlot[T]{task: t, done: done, work: func() {
			run(t)
			done <- struct{}{}
		}}
	}
	return r
}

// next returns a task to fill in and start. When all are busy it first waits
// for the oldest and collects it.
func (r *ring[T]) next() (*T, error) {
	if r.started-r.collected == len(r.slots) {
		r.collectOldest()
	}
	return r.slots[r.started%len(r.slots)].task, r.err
}

// start runs the task that next returned last.
func (r *ring[T]) start() {
	s := &r.slots[r.started%len(r.slots)]
	r.started++
	go s.work()
}

// drain waits for all tasks, collects them and returns the first error.
func (r *ring[T]) drain() error {
	for r.collected < r.started {
		r.collectOldest()
	}
	return r.err
}

func (r *ring[T]) collectOldest() {
	s := &r.slots[r.collected%len(r.slots)]
	r.collected++
	<-s.done
	if r.err == nil {
		r.err = r.collect(s.task)
	}
}
