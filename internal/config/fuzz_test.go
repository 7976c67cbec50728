package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzLoad: whatever the file and a variable say, loading ends in a usable configuration or in problems that
// name a place, fit on a line, and do not show the token.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/full.toml", exampleFile) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint8(0), "https://fedi.example.com")
	}
	names := EnvNames()
	for i := range names {
		f.Add([]byte(minimal), uint8(i), "15m")
	}
	f.Add([]byte("[[feed.x]]\n[feed.x.y]\nz=[[1],[{a=1}]]"), uint8(4), "a,b")
	const marker = "q7Zk"
	f.Fuzz(func(t *testing.T, data []byte, variable uint8, value string) {
		if strings.Contains(string(data)+value, marker) {
			return
		}
		l, err := newLoader("testdata/fuzz.toml")
		if err != nil {
			t.Fatal(err)
		}
		environ := []string{"CRIER_HOOK_TOKEN=" + marker + value, names[int(variable)%len(names)] + "=" + value}
		l.load(data, environ)
		for _, p := range l.problems.sorted() {
			checkProblem(t, p)
			if strings.Contains(p.String(), marker) {
				t.Errorf("the token is shown: %q", p)
			}
		}
		if len(l.problems) == 0 {
			checkConfig(t, l.cfg)
		}
	})
}

func checkProblem(t *testing.T, p Problem) {
	t.Helper()
	if p.Text == "" || (p.Key == "" && p.Line == 0 && p.Env == "") {
		t.Errorf("a problem without place or text: %+v", p)
	}
	if s := p.String(); strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) {
		t.Errorf("unfit for a line: %q", s)
	}
}

func checkConfig(t *testing.T, c *Config) {
	t.Helper()
	if again, err := ParseBaseURL(c.BaseURL); err != nil || again != c.BaseURL {
		t.Errorf("base_url %q is not canonical: %q, %v", c.BaseURL, again, err)
	}
	if again, err := ParseHandle(c.Account.Handle.String()); err != nil || again != c.Account.Handle {
		t.Errorf("handle %q is not canonical: %v, %v", c.Account.Handle, again, err)
	}
	if !filepath.IsAbs(c.DataDir) || len(c.Feeds) == 0 || c.Account.Name == "" {
		t.Errorf("not ready for use: %+v", c)
	}
	for _, f := range c.Feeds {
		if f.IsFile() != filepath.IsAbs(f.URL) || f.IsFile() != (f.HostPort() == "") || f.Interval < minInterval || f.MaxNew < 1 {
			t.Errorf("feed %+v", f)
		}
	}
}
