package ui

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes v as the one JSON document of a verb: indented, ended by a
// newline, nothing escaped for HTML. Fields are named by their json tags, in
// lower_snake_case; lists should be empty, not nil, so that they print as [].
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}
