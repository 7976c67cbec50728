package content

import (
	"strings"

	"golang.org/x/text/language"
)

// firstLanguage returns the first that is a language tag (BCP 47), in canonical form.
func firstLanguage(tags ...string) string {
	for _, t := range tags {
		if len(t) > 100 {
			continue
		}
		// Parse returns a tag beside its error too, which must not be used.
		tag, err := language.Parse(strings.TrimSpace(t))
		if err != nil {
			continue
		}
		base, script, region := tag.Raw()
		switch base.String() {
		case "und", "mul", "mis", "zxx":
			continue
		}
		if len(tag.Extensions()) > 0 { // calendars and the like are no language, and not always in one form
			if tag, err = language.Compose(base, script, region); err != nil {
				continue
			}
		}
		return tag.String()
	}
	return ""
}
