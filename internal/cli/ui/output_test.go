package ui

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// names lists what is in dir.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func create(t *testing.T, path string, o OutputOptions, text string) *Output {
	t.Helper()
	out, err := CreateOutput(path, o)
	if err != nil {
		t.Fatalf("CreateOutput(%s): %v", path, err)
	}
	t.Cleanup(func() { out.Close() })
	if _, err := io.WriteString(out, text); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOutputAppearsAtCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	out := create(t, path, OutputOptions{}, "new")
	if _, err := os.Stat(path); err == nil {
		t.Fatal("the output has its name before it is committed")
	}
	if err := CommitAll(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Errorf("Close after commit: %v", err)
	}
	if got := content(t, path); got != "new" {
		t.Errorf("content %q, want %q", got, "new")
	}
	if got := names(t, dir); got != "out" {
		t.Errorf("the directory holds %q, want only out", got)
	}
}

func TestOutputVanishesOnClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := put(t, filepath.Join(dir, "old"), "precious")
	for _, path := range []string{filepath.Join(dir, "fresh"), old} {
		out := create(t, path, OutputOptions{Force: true}, "half of it")
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); got != "old" {
		t.Errorf("the directory holds %q, want only old", got)
	}
	if got := content(t, old); got != "precious" {
		t.Errorf("the old file holds %q", got)
	}
}

func TestOutputRefusesWhatExists(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := put(t, filepath.Join(dir, "file"), "precious")
	dangling := filepath.Join(dir, "dangling")
	link := filepath.Join(dir, "link")
	if errors.Join(os.Symlink("nowhere", dangling), os.Symlink(file, link)) != nil {
		t.Skip("no symbolic links here")
	}
	for _, path := range []string{file, link, dangling, dir, "", filepath.Join(dir, "no", "such")} {
		out, err := CreateOutput(path, OutputOptions{})
		if err == nil {
			out.Close()
			t.Errorf("CreateOutput(%q) succeeded, want an error", path)
		}
	}
	if got := names(t, dir); got != "dangling file link" {
		t.Errorf("the directory holds %q", got)
	}
}

func TestOutputForceFollowsLinksAndKeepsMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := put(t, filepath.Join(dir, "file"), "old")
	link := filepath.Join(dir, "link")
	if os.Symlink("file", link) != nil {
		t.Skip("no symbolic links here")
	}
	out := create(t, link, OutputOptions{Force: true}, "new")
	if err := CommitAll(out); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info.Mode(), err)
	}
	if info, err = os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600 as before", info.Mode(), err)
	}
	if got := content(t, file); got != "new" {
		t.Errorf("content %q, want %q", got, "new")
	}
}

func TestOutputDoesNotReplaceWhatAppearedMeanwhile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	a := create(t, first, OutputOptions{}, "a")
	b := create(t, second, OutputOptions{}, "b")
	put(t, second, "somebody else's")
	if err := CommitAll(a, b); ExitCode(err) != ExitFailed {
		t.Fatalf("CommitAll = %v, want exit status 1", err)
	}
	if got := names(t, dir); got != "second" {
		t.Errorf("the directory holds %q, want only second", got)
	}
	if got := content(t, second); got != "somebody else's" {
		t.Errorf("the other file holds %q", got)
	}
}
