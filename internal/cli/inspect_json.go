package cli

import (
	"bytes"
	"encoding/json"

	"github.com/dmimg/dmimg/volume/probe"
)

// imagesJSON is the JSON of inspect.
type imagesJSON struct {
	Images []imageJSON `json:"images"`
}

type imageJSON struct {
	Path      string    `json:"path"`
	SizeBytes int64     `json:"size_bytes"`
	Layer     layerJSON `json:"layer"`
}

type layerJSON struct {
	Kind        string          `json:"kind"`
	Description string          `json:"description"`
	OffsetBytes int64           `json:"offset_bytes"`
	SizeBytes   int64           `json:"size_bytes"`
	UUID        string          `json:"uuid"`
	Label       string          `json:"label"`
	Fields      fieldsJSON      `json:"fields"`
	Partitions  []partitionJSON `json:"partitions"`
	OpenWith    []string        `json:"open_with"`
	Problems    []string        `json:"problems"`
	Also        []layerJSON     `json:"also"` // further signatures in the same place
	OpenedBy    string          `json:"opened_by,omitempty"`
	Content     *layerJSON      `json:"content,omitempty"` // of a LUKS layer that was opened
}

type partitionJSON struct {
	Number      int        `json:"number"`
	Type        string     `json:"type"`
	TypeName    string     `json:"type_name"`
	UUID        string     `json:"uuid"`
	Name        string     `json:"name"`
	OffsetBytes int64      `json:"offset_bytes"`
	SizeBytes   int64      `json:"size_bytes"`
	Attributes  []string   `json:"attributes"`
	Container   bool       `json:"container"`
	Problems    []string   `json:"problems"`
	Content     *layerJSON `json:"content"`
}

// fieldsJSON is an object whose members keep their order.
type fieldsJSON []probe.Field

// MarshalJSON writes the object.
func (f fieldsJSON) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, v := range []any{field.Name, field.Value} {
			text, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			if j == 1 {
				b.WriteByte(':')
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func inspectReport(found []inspected) imagesJSON {
	report := imagesJSON{Images: []imageJSON{}}
	for _, i := range found {
		report.Images = append(report.Images, imageJSON{i.path, i.size, layerReport(i.layer, i.path, i.luks)})
	}
	return report
}

func layerReport(l *probe.Layer, path string, opened *luksInspector) layerJSON {
	j := layerJSON{
		Kind: l.Kind, Description: l.Description, OffsetBytes: l.Offset, SizeBytes: l.Size, UUID: l.UUID, Label: l.Label,
		Fields: l.Fields, Partitions: []partitionJSON{}, OpenWith: openLines(l, path), Problems: list(l.Problems), Also: []layerJSON{},
	}
	for _, p := range l.Partitions {
		pj := partitionJSON{
			Number: p.Number, Type: p.Type, TypeName: p.TypeName, UUID: p.UUID, Name: p.Name, OffsetBytes: p.Offset,
			SizeBytes: p.Size, Attributes: list(p.Attributes), Container: p.Container, Problems: list(p.Problems),
		}
		if p.Content != nil {
			content := layerReport(p.Content, path, opened)
			pj.Content = &content
		}
		j.Partitions = append(j.Partitions, pj)
	}
	for _, a := range l.Also {
		j.Also = append(j.Also, layerReport(a, path, opened))
	}
	if d, ok := opened.content(l); ok {
		content := layerReport(d.layer, path, nil)
		content.OpenWith = []string{} // they would name the image, and this is inside
		j.OpenedBy, j.Content = d.by, &content
	}
	return j
}

// list makes an empty list print as [].
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
