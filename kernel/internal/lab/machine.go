package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// artifactSpace is the size of the disk that artifacts come back on; it takes no
// more room than they do.
const artifactSpace = 4 << 30

// machine is one that is ready to boot.
type machine struct {
	cfg    Config
	qemu   string   // the program
	args   []string // its options
	cache  cache
	kernel *kernel
	dir    string
	close  func() // removes dir
	files  files
	disks  []Disk
	limit  func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}

var serials = regexp.MustCompile(`^[A-Za-z0-9_-]{1,20}$`)

// prepare checks cfg and makes all that a boot needs.
func prepare(ctx context.Context, cfg Config) (_ *machine, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := needMachine(); err != nil {
		return nil, err
	}
	line, err := findLine(cfg.Kernel)
	if err != nil {
		return nil, err
	}
	m := &machine{cfg: cfg, limit: context.WithTimeout}
	if m.qemu, err = findProgram(qemuProgram); err != nil {
		return nil, err
	}
	if m.cache, err = openCache(); err != nil {
		return nil, err
	}
	if m.kernel, err = m.cache.kernel(ctx, line, false); err != nil {
		return nil, fmt.Errorf("kernel %s: %w", line.name, err)
	}
	if m.dir, m.close, err = m.cache.scratch(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	m.files = files{
		image: m.kernel.image, initramfs: filepath.Join(m.dir, "initramfs"),
		console: filepath.Join(m.dir, "console"),
	}
	if err := m.makeDisks(); err != nil {
		return nil, err
	}
	m.args = qemuArgs(cfg, m.files, m.disks)
	archives := []string{m.kernel.base}
	if cfg.Extra {
		extra, err := m.cache.extra(ctx, line, m.kernel)
		if err != nil {
			return nil, fmt.Errorf("modules for %s: %w", m.kernel.release, err)
		}
		archives = append(archives, extra)
	}
	return m, writeInitramfs(ctx, cfg, archives, m.files.initramfs)
}

// check refuses what cannot work, and fills in what is left to it.
func (c *Config) check() error {
	if len(c.Commands) == 0 {
		return errors.New("the configuration has no command")
	}
	seen := map[string]bool{guest.OutSerial: true}
	for _, d := range c.Disks {
		if !serials.MatchString(d.Serial) || seen[d.Serial] {
			return fmt.Errorf("disk %q: must be a name of its own, up to 20 letters, digits, - and _", d.Serial)
		}
		seen[d.Serial] = true
		if d.Path == "" && (d.Size <= 0 || d.Size%512 != 0) {
			return fmt.Errorf("disk %q: blank, of %d bytes: must be a positive multiple of 512", d.Serial, d.Size)
		}
	}
	if c.MemoryMiB == 0 {
		c.MemoryMiB = 512
	}
	if c.CPUs == 0 {
		c.CPUs = 1
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return nil
}

// makeDisks makes the blank disks.
func (m *machine) makeDisks() error {
	m.disks = append(m.disks, m.cfg.Disks...)
	if m.cfg.Artifacts != "" {
		m.disks = append(m.disks, Disk{Serial: guest.OutSerial, Size: artifactSpace})
	}
	for i := range m.disks {
		d := &m.disks[i]
		if d.Path != "" {
			continue
		}
		d.Path = filepath.Join(m.dir, "disk-"+d.Serial)
		if err := os.WriteFile(d.Path, nil, 0o600); err != nil {
			return err
		}
		if err := os.Truncate(d.Path, d.Size); err != nil {
			return err
		}
	}
	return nil
}

// run boots the machine when a processor is free for it.
func (m *machine) run(ctx context.Context) (*Result, error) {
	slots := make([]string, runtime.NumCPU())
	for i := range slots {
		slots[i] = fmt.Sprintf("slot-%d", i)
	}
	unlock, err := m.cache.lockAny(ctx, slots)
	if err != nil {
		return nil, fmt.Errorf("waiting for a processor: %w", err)
	}
	defer unlock()

	start := time.Now()
	limited, cancel := m.limit(ctx, m.cfg.Timeout)
	defer cancel()
	p := &process{path: m.qemu, args: m.args, live: m.cfg.Output}
	failed := p.run(limited)
	console, err := os.ReadFile(m.files.console)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	result, err := m.judge(strings.ReplaceAll(string(console), "\r", ""), p)
	switch {
	case err == nil && p.lost != nil:
		return nil, fmt.Errorf("passing on the output: %w", p.lost)
	case err == nil:
		result.Elapsed = time.Since(start)
		return result, m.fetchArtifacts()
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, m.timeout(string(console), p)
	case failed != nil && len(console) == 0:
		return nil, fmt.Errorf("%s: %w: %s", qemuProgram, failed, strings.TrimSpace(p.stderr.String()))
	}
	return nil, err
}

// judge makes the result of a machine that ended; an error if its commands did not.
func (m *machine) judge(console string, p *process) (*Result, error) {
	report, ok := parseConsole(console)
	outcomes := guest.ParseOutput(p.output.Bytes(), len(m.cfg.Commands))
	for _, o := range outcomes {
		ok = ok && o.Ended
	}
	if !ok {
		return nil, &CrashError{Reason: crashReason(console), QEMU: strings.TrimSpace(p.stderr.String()), Output: p.output.Bytes()}
	}
	r := &Result{Release: m.kernel.release, Console: console, Boot: report.boot}
	for i, o := range outcomes {
		if r.Exit == 0 {
			r.Exit = o.Exit
		}
		r.Commands = append(r.Commands, CommandResult{Path: m.cfg.Commands[i].Path, Exit: o.Exit, Output: o.Output, Elapsed: o.Elapsed})
	}
	return r, nil
}

// timeout says what a machine was doing when its time was over.
func (m *machine) timeout(console string, p *process) error {
	e := &TimeoutError{After: m.cfg.Timeout, Console: lastLines(console, 20), Output: p.output.Bytes()}
	for i, o := range guest.ParseOutput(p.output.Bytes(), len(m.cfg.Commands)) {
		if o.Started && !o.Ended {
			e.Command = m.cfg.Commands[i].Path
		}
	}
	return e
}
