package crypt

import (
	"errors"
	"fmt"
	"strings"
)

// maxAPIDepth bounds the nesting of a crypto API name; the deepest that
// dm-crypt uses, authenc(hmac(sha256),cbc(aes)), has three levels.
const maxAPIDepth = 8

// apiName is a crypto API algorithm name taken apart: "xts(aes)" is the
// template xts with one argument, the leaf aes.
type apiName struct {
	name string
	args []apiName
}

// parseAPIName reads name, or name(arg,…) with arguments of the same form.
func parseAPIName(s string) (apiName, error) {
	n, rest, err := parseAPINode(s, maxAPIDepth)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q after the algorithm name", rest)
	}
	return n, err
}

func parseAPINode(s string, depth int) (n apiName, rest string, err error) {
	if depth == 0 {
		return n, "", errors.New("algorithm name nested too deeply")
	}
	end := strings.IndexAny(s, "(),")
	if end < 0 {
		end = len(s)
	}
	n.name, rest = s[:end], s[end:]
	if n.name == "" {
		return n, "", errors.New("empty name in the algorithm name")
	}
	if strings.Contains(n.name, ":") {
		return n, "", errors.New("colon in the algorithm name")
	}
	if !strings.HasPrefix(rest, "(") {
		return n, rest, nil
	}
	for {
		var arg apiName
		arg, rest, err = parseAPINode(rest[1:], depth-1)
		if err != nil {
			return n, "", err
		}
		n.args = append(n.args, arg)
		switch {
		case strings.HasPrefix(rest, ")"):
			return n, rest[1:], nil
		case !strings.HasPrefix(rest, ","):
			return n, "", errors.New("unclosed parenthesis in the algorithm name")
		}
	}
}

// String returns the name in the crypto API's spelling.
func (n apiName) String() string {
	if len(n.args) == 0 {
		return n.name
	}
	words := make([]string, len(n.args))
	for i, arg := range n.args {
		words[i] = arg.String()
	}
	return n.name + "(" + strings.Join(words, ",") + ")"
}

// walk calls visit for every name in n in the order in which they are written.
func (n apiName) walk(visit func(apiName)) {
	visit(n)
	for _, arg := range n.args {
		arg.walk(visit)
	}
}
