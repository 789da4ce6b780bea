package dmsetup

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// expression is what -S says of a row.
type expression func(r *row) (bool, error)

// maxNesting is the deepest nesting of parentheses.
const maxNesting = 100

// selects reports whether a row is selected.
func (p *report) selects(r *row) (bool, error) {
	if p.selection == nil {
		return true, nil
	}
	return p.selection(r)
}

// parseSelection reads -S: comparisons of fields, && or a comma, || or #, parentheses and
// ! in front of them (dmsetup(8) and "info -c -S help").
func (p *report) parseSelection(text string) (expression, error) {
	s := &selector{report: p, rest: text}
	e, err := s.either(0)
	switch {
	case err != nil:
		return nil, err
	case s.rest != "":
		return nil, s.fail("Expecting logical operator", s.rest)
	}
	return e, nil
}

// selector reads a selection from the left.
type selector struct {
	report *report
	rest   string
}

func (s *selector) fail(why, at string) error {
	return reportf("%s\nSelection syntax error at '%s'.\nUse 'help' for selection to get more help.", why, at)
}

func (s *selector) skip() { s.rest = strings.TrimLeft(s.rest, " \t\n") }

// take reads one of words, if it comes next.
func (s *selector) take(words ...string) bool {
	s.skip()
	for _, w := range words {
		if rest, ok := strings.CutPrefix(s.rest, w); ok {
			s.rest = rest
			s.skip()
			return true
		}
	}
	return false
}

// either reads alternatives.
func (s *selector) either(depth int) (expression, error) {
	e, err := s.both(depth)
	for err == nil && s.take("||", "#") {
		var right expression
		left := e
		right, err = s.both(depth)
		e = func(r *row) (bool, error) {
			if ok, err := left(r); ok || err != nil {
				return ok, err
			}
			return right(r)
		}
	}
	return e, err
}

// both reads conditions that must all hold.
func (s *selector) both(depth int) (expression, error) {
	e, err := s.atom(depth)
	for err == nil && s.take("&&", ",") {
		var right expression
		left := e
		right, err = s.atom(depth)
		e = func(r *row) (bool, error) {
			if ok, err := left(r); !ok || err != nil {
				return ok, err
			}
			return right(r)
		}
	}
	return e, err
}

// atom reads a comparison, or something in parentheses.
func (s *selector) atom(depth int) (expression, error) {
	negated := s.take("!")
	if !s.take("(") {
		if negated {
			return nil, reportf("Syntax error: left parenthesis expected at '%s'", s.rest)
		}
		return s.comparison()
	}
	if depth == maxNesting {
		return nil, reportf("Syntax error: more than %d parentheses inside each other", maxNesting)
	}
	e, err := s.either(depth + 1)
	if err != nil {
		return nil, err
	}
	if !s.take(")") {
		return nil, reportf("Syntax error: right parenthesis expected at '%s'", s.rest)
	}
	if !negated {
		return e, nil
	}
	return func(r *row) (bool, error) {
		ok, err := e(r)
		return !ok, err
	}, nil
}

// operators, the longer ones of a beginning first.
var operators = []string{"=~", "!~", "!=", ">=", "<=", "=", ">", "<", "since", "after", "until", "before"}

// comparison reads "field operator value".
func (s *selector) comparison() (expression, error) {
	at := s.rest
	name := s.name()
	if name == "" {
		return nil, s.fail("Expecting field name", at)
	}
	f, _, ok := s.report.findField(name)
	if !ok {
		return nil, s.fail(fieldHelp()+"Unrecognised selection field: "+name, at)
	}
	if f.id == selectedField { // it is what is being found out
		f.value = func(*tool, *row) (string, error) { return "1", nil }
	}
	s.skip()
	for _, op := range operators {
		if s.take(op) {
			return s.operation(f, op, at)
		}
	}
	return nil, s.fail("Unrecognised comparison operator: "+s.rest, at)
}

func (s *selector) name() string {
	end := 0
	for end < len(s.rest) && (s.rest[end] == '_' || isAlphanumeric(s.rest[end])) {
		end++
	}
	name := s.rest[:end]
	s.rest = s.rest[end:]
	return name
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// operation reads the value and makes the comparison.
func (s *selector) operation(f field, op, at string) (expression, error) {
	switch {
	case len(op) > len("!="):
		return nil, s.fail("Operator can be used only with time fields: "+at, at)
	case strings.HasSuffix(op, "~"):
		return s.match(f, op == "!~", at)
	case f.numeric:
		return s.numeric(f, op, at)
	case op != "=" && op != "!=":
		return nil, s.fail("Operator can be used only with number, size, time or percent fields: "+at, at)
	}
	want, err := s.text(f, at)
	if err != nil {
		return nil, err
	}
	return s.test(f, func(cell string) bool { return (cell == want) == (op == "=") }), nil
}

// test is an expression about the value of a field.
func (s *selector) test(f field, holds func(cell string) bool) expression {
	t := s.report.t
	return func(r *row) (bool, error) {
		cell, err := f.value(t, r)
		return err == nil && holds(cell), err
	}
}

// match is a comparison with a regular expression.
func (s *selector) match(f field, negated bool, at string) (expression, error) {
	if f.numeric {
		return nil, reportf("dm_report: incompatible comparison type for selection field %s", f.id)
	}
	text, err := s.text(f, at)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, reportf("%v\ndm_report: failed to create regex matcher for selection field %s", err, f.id)
	}
	return s.test(f, func(cell string) bool { return re.MatchString(cell) != negated }), nil
}

// numeric is a comparison of numbers.
func (s *selector) numeric(f field, op, at string) (expression, error) {
	end := 0
	for end < len(s.rest) && (s.rest[end] >= '0' && s.rest[end] <= '9' || s.rest[end] == '.' && end > 0) {
		end++
	}
	digits := s.rest[:end]
	s.rest = s.rest[end:]
	whole, fraction, _ := strings.Cut(digits, ".") // the fraction does not count
	if digits == "" || strings.Contains(fraction, ".") {
		return nil, s.fail("Failed to parse numeric value for selection field "+f.id+".", at)
	}
	want, err := strconv.ParseUint(whole, 10, 64)
	if err != nil {
		return nil, reportf("Field selection value %s out of supported range for field %s.", digits, f.id)
	}
	return s.test(f, func(cell string) bool {
		n, _ := strconv.ParseUint(cell, 10, 64)
		order := cmp.Compare(n, want)
		switch op {
		case "=":
			return order == 0
		case "!=":
			return order != 0
		case ">=":
			return order >= 0
		case "<=":
			return order <= 0
		case ">":
			return order > 0
		}
		return order < 0
	}), nil
}

// text reads a string: quoted, or up to what can follow a comparison.
func (s *selector) text(f field, at string) (string, error) {
	if s.rest != "" && (s.rest[0] == '\'' || s.rest[0] == '"') {
		end := strings.IndexByte(s.rest[1:], s.rest[0])
		if end < 0 {
			return "", s.fail("Missing end quote.\nFailed to parse string value for selection field "+f.id+".", at)
		}
		text := s.rest[1 : end+1]
		s.rest = s.rest[end+2:]
		return text, nil
	}
	end := 0
	for end < len(s.rest) && strings.IndexByte(" \t\n,#)", s.rest[end]) < 0 &&
		!strings.HasPrefix(s.rest[end:], "&&") && !strings.HasPrefix(s.rest[end:], "||") {
		end++
	}
	text := s.rest[:end]
	s.rest = s.rest[end:]
	return text, nil
}
