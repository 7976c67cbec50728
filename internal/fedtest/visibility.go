package fedtest

import "slices"

// Visibility is who may see a note, as Mastodon reads it from its addresses.
type Visibility string

// The four visibilities.
const (
	Public    Visibility = "public"
	Unlisted  Visibility = "unlisted"  // public, but the public is only in cc
	Followers Visibility = "followers" // the followers collection is in to, the public nowhere
	Direct    Visibility = "direct"    // only who is named
)

// addresses are to and cc of a post by me; mentioned are ids of actors.
func addresses(v Visibility, me Actor, mentioned []string) (to, cc []string) {
	switch v {
	case Direct:
		return slices.Clone(mentioned), []string{}
	case Followers:
		return append([]string{me.Followers}, mentioned...), []string{}
	case Unlisted:
		return append([]string{me.Followers}, mentioned...), []string{public}
	}
	return []string{public}, append([]string{me.Followers}, mentioned...)
}

// visibilityOf reads to and cc as Mastodon does (status_parser.rb): the followers count in to alone.
func visibilityOf(to, cc []string, followers string) Visibility {
	switch {
	case slices.ContainsFunc(to, isPublic):
		return Public
	case slices.ContainsFunc(cc, isPublic):
		return Unlisted
	case followers != "" && slices.Contains(to, followers):
		return Followers
	}
	return Direct
}

// isPublic knows the three spellings of the public collection (AP §5.6).
func isPublic(id string) bool { return id == public || id == "as:Public" || id == "Public" }
