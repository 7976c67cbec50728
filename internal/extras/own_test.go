package extras

import "testing"

func TestOwnPage(t *testing.T) {
	for _, c := range []struct {
		address, key string
		want         bool
	}{
		{"https://blog.example/1/", "blog.example/1/", true},
		{"https://Blog.example:443/?p=12", "blog.example/abcdefghijklmnopqrstuvwxyz", true},
		{"http://www.blog.example/%e7%b5%8c", "blog.example/abcdefghijklmnopqrstuvwxyz", true},
		{"https://blog.example:8443/1", "blog.example/1", false},
		{"https://other.example/1/", "blog.example/abcdefghijklmnopqrstuvwxyz", false},
		{"/1/", "blog.example/1/", false}, {"", "blog.example/1/", false}, {"https:///1", "/1", false},
	} {
		if got := OwnPage(c.address, c.key); got != c.want {
			t.Errorf("%s of %s: %v", c.address, c.key, got)
		}
	}
}
