package feed

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// afterDoctype returns the position behind a <!DOCTYPE …>, its internal subset included, or -1. Brackets inside
// quotes and comments are no markup.
func afterDoctype(b []byte) int {
	subset := false
	for i := 2; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"' || c == '\'':
			n := bytes.IndexByte(b[i+1:], c)
			if n < 0 {
				return -1
			}
			i += 1 + n
		case c == '<' && bytes.HasPrefix(b[i:], []byte("<!--")):
			n := after(b[i:], "-->")
			if n < 0 {
				return -1
			}
			i += n - 1
		case c == '[':
			subset = true
		case c == ']':
			subset = false
		case c == '>' && !subset:
			return i + 1
		}
	}
	return -1
}

// entityDeclaration matches one <!ENTITY>: whether it is a parameter entity, its name, and either its value or what
// stands outside the document.
func entityDeclaration() *regexp.Regexp {
	return regexp.MustCompile(`(?s)<!ENTITY\s+(%\s+)?([^\s"'>]+)\s+(?:(?:SYSTEM|PUBLIC\s+("[^"]*"|'[^']*'))\s+("[^"]*"|'[^']*')|("[^"]*"|'[^']*'))`)
}

// checkDoctype refuses what a document type can do harm with. Nothing that it names is ever fetched, and no entity of
// its own is ever put in; but a document that wants a file read, or entities made of entities multiplied (a "billion
// laughs"), was not written by a blog's generator, and its owner should know. The two customs of old feeds
// are let through: the DTD of RSS 0.91 at some web address, and the entity sets of HTML, which are known here anyway.
func checkDoctype(b []byte) error {
	head, subset, _ := bytes.Cut(b, []byte("["))
	if m := regexp.MustCompile(`(?:SYSTEM|PUBLIC\s+(?:"[^"]*"|'[^']*'))\s+("[^"]*"|'[^']*')`).FindSubmatch(head); m != nil && opensFile(string(m[1])) {
		return fmt.Errorf("the feed is refused: its document type wants %s to be read", clip(string(m[1]), 80))
	}
	if !bytes.Contains(subset, []byte("<!ENTITY")) {
		return nil
	}
	subset = regexp.MustCompile(`(?s)<!--.*?-->`).ReplaceAll(subset, nil)
	found := entityDeclaration().FindAllSubmatch(subset, -1)
	if bytes.Count(subset, []byte("<!ENTITY")) != len(found) {
		return errors.New("the feed is refused: its document type declares an entity that cannot be read")
	}
	for _, m := range found {
		name, public, system, value := clip(string(m[2]), 40), string(m[3]), string(m[4]), string(m[5])
		switch {
		case system != "" && !(len(m[1]) > 0 && htmlEntities(public)):
			return fmt.Errorf("the feed is refused: its document type wants %s to be read as the entity %q", clip(system, 80), name)
		case nested(value):
			return fmt.Errorf("the feed is refused: the entity %q of its document type is made of other entities", name)
		}
	}
	return nil
}

// opensFile tells addresses that lead elsewhere than to the web: a reader that followed them would open a file.
func opensFile(quoted string) bool {
	scheme, _, found := strings.Cut(strings.ToLower(strings.Trim(quoted, `"' `)), ":")
	return found && scheme != "http" && scheme != "https" && !strings.Contains(scheme, "/")
}

// htmlEntities tells the public names of the W3C's sets of character entities.
func htmlEntities(public string) bool {
	return strings.Contains(public, "-//W3C//ENTITIES ")
}

// nested tells whether a value refers to an entity; a reference to a character is none.
func nested(value string) bool {
	if strings.Contains(value, "%") {
		return regexp.MustCompile(`%[^\s;%]+;`).MatchString(value)
	}
	for _, m := range regexp.MustCompile(`&([^;\s&]{1,64});`).FindAllStringSubmatch(value, -1) {
		switch name := m[1]; {
		case strings.HasPrefix(name, "#"), name == "amp", name == "lt", name == "gt", name == "quot", name == "apos":
		default:
			return true
		}
	}
	return false
}
