package federation

import (
	"strings"
	"testing"
)

// TestFindPost: a post is named by its id, by the end of that, or by its page.
func TestPostsByName(t *testing.T) {
	d := published(t, "example.com/a/")
	done := d.compose(Draft{Markdown: "Hello"})
	for name, want := range map[string]string{
		done.Post.ID:                       done.Post.ID,
		done.Post.Path:                     done.Post.ID,
		"example.com/a/":                   testBase + "/posts/example.com/a/",
		testBase + "/posts/example.com/a/": testBase + "/posts/example.com/a/",
		"https://example.com/a/":           testBase + "/posts/example.com/a/",
	} {
		if p, err := d.s.FindPost(name); err != nil || p.ID != want {
			t.Errorf("%s: %s, %v", name, p.ID, err)
		}
	}
	if len(done.Post.Path) != 26 {
		t.Errorf("path %q", done.Post.Path)
	}
	for _, name := range []string{"", "x", done.Post.Path[:25], "example.com"} {
		if _, err := d.s.FindPost(name); err == nil || !strings.Contains(err.Error(), "crier post list") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
