package tables

import "strings"

// option is one keyword of a target's option list. T is what the list is read
// into.
type option[T any] struct {
	name   string                      // as the kernel prints it
	values int                         // words that follow the keyword
	colon  bool                        // the value follows in the same word: name:value
	many   bool                        // may stand in the list more than once
	set    func(o *T, a option1) error // takes what was found
}

// option1 is one option as it stands in the text.
type option1 struct {
	word   string   // the whole keyword, as spelled
	values []string // the words after it; for name:value the value
}

// grammar is the option list of one target.
type grammar[T any] struct {
	target    string
	field     string // what the list is called in errors: "features"
	exactCase bool
	options   []option[T]
}

// parse reads an option list into o: unknown, repeated and incomplete options
// are errors.
func (g *grammar[T]) parse(o *T, words []string) error {
	seen := make([]bool, len(g.options))
	for i := 0; i < len(words); {
		n := g.find(words[i])
		if n < 0 {
			return locate(g.target, g.field, &finding{ErrSyntax, words[i], "one of " + g.names()})
		}
		opt := &g.options[n]
		if seen[n] && !opt.many {
			return failf(g.target, opt.name, ErrSyntax, "the option is given twice")
		}
		seen[n] = true
		a := option1{word: words[i]}
		if opt.colon {
			a.values = []string{words[i][len(opt.name)+1:]}
		} else {
			if len(words)-i-1 < opt.values {
				return failf(g.target, opt.name, ErrSyntax, "the option takes %d values, %d follow", opt.values, len(words)-i-1)
			}
			a.values = words[i+1 : i+1+opt.values]
			i += opt.values
		}
		i++
		if err := opt.set(o, a); err != nil {
			return locate(g.target, opt.name, err)
		}
	}
	return nil
}

// find returns the index of the option that word starts, or -1.
func (g *grammar[T]) find(word string) int {
	for i := range g.options {
		opt := &g.options[i]
		key := word
		if opt.colon {
			if len(word) <= len(opt.name) || word[len(opt.name)] != ':' {
				continue
			}
			key = word[:len(opt.name)]
		}
		if key == opt.name || !g.exactCase && equalFold(key, opt.name) {
			return i
		}
	}
	return -1
}

func (g *grammar[T]) names() string {
	var b strings.Builder
	for i := range g.options {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(g.options[i].name)
		if g.options[i].colon {
			b.WriteString(":…")
		}
	}
	return b.String()
}

// toggle makes a setter for an option without a value.
func toggle[T any](field func(*T) *bool) func(*T, option1) error {
	return func(o *T, _ option1) error {
		*field(o) = true
		return nil
	}
}

// numeric makes a setter for an option with one number in a range.
func numeric[T any](field func(*T) *uint64, low, high uint64) func(*T, option1) error {
	return func(o *T, a option1) (err error) {
		*field(o), err = parseRange(a.values[0], low, high)
		return err
	}
}

// inSectors makes a setter for an option that counts sectors; the field is in
// bytes.
func inSectors[T any](field func(*T) *uint64) func(*T, option1) error {
	return func(o *T, a option1) (err error) {
		*field(o), err = parseSectors(a.values[0])
		return err
	}
}

// textual makes a setter for an option with one word of any text.
func textual[T any](field func(*T) *string) func(*T, option1) error {
	return func(o *T, a option1) error {
		*field(o) = a.values[0]
		return nil
	}
}

// choice makes a setter for an option whose value is one of a few words.
func choice[T any](field func(*T) *string, names ...string) func(*T, option1) error {
	return func(o *T, a option1) (err error) {
		*field(o), err = oneOf(a.values[0], names...)
		return err
	}
}
