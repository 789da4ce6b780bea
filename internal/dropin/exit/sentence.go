package exit

import "strings"

// Sentence is the text of an error with a capital in front and a full stop behind, as the
// tools write.
func Sentence(err error) string {
	s := err.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
