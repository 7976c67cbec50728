package content

import (
	"slices"
	"strings"
	"unicode"
)

// breakable tells whether text may be cut between two characters without damaging one that a reader
// sees as one (UAX #29, the part that matters for cutting), or a Thai or Lao syllable.
func breakable(prev, next rune) bool {
	switch {
	case unicode.IsMark(next), next == '\u200d', prev == '\u200d':
		return false
	case next >= 0x1f3fb && next <= 0x1f3ff, next >= 0xe0020 && next <= 0xe007f: // skin tones, flags by tags
		return false
	case regional(prev) && regional(next):
		return false
	case next >= 0x1160 && next <= 0x11ff: // Hangul vowels and finals
		return false
	case prev >= 0x0e40 && prev <= 0x0e44, prev >= 0x0ec0 && prev <= 0x0ec4: // vowels before their consonant
		return false
	case next == 0x0e30, next == 0x0e32, next == 0x0e33, next == 0x0e45, next == 0x0eb0, next == 0x0eb2, next == 0x0eb3:
		return false
	}
	return !virama(prev) && (prev < 0xd800 || prev > 0xdfff)
}

func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// virama joins the consonants around it.
func virama(r rune) bool {
	switch r {
	case 0x094d, 0x09cd, 0x0a4d, 0x0acd, 0x0b4d, 0x0bcd, 0x0c4d, 0x0ccd, 0x0d4d, 0x1039, 0x17d2:
		return true
	}
	return false
}

// ideographic scripts may be cut between any two characters, save for punctuation that binds.
func ideographic(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Yi) ||
		r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef || r == 'ー'
}

// unspaced scripts write words together, and only a dictionary knows where one ends.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
		unicode.Javanese, unicode.Balinese, unicode.Tai_Tham, unicode.New_Tai_Lue)
}

// bindsBack and bindsOn tell punctuation that may not begin, or end, a line (kinsoku).
func bindsBack(r rune) bool {
	return unicode.In(r, unicode.Pe, unicode.Pf, unicode.Po) || strings.ContainsRune("ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々〻", r)
}

func bindsOn(r rune) bool { return unicode.In(r, unicode.Ps, unicode.Pi) }

// stop tells whether a character ends a sentence: 2 wherever it stands, 1 only before a space.
func stop(r rune) int {
	switch r {
	case '。', '！', '？', '｡', '।', '॥', '۔', '؟', '։', '።', '፧', '။', '។', '៕':
		return 2
	case '.', '!', '?', '…', '‽':
		return 1
	}
	return 0
}

// sentenceEnd returns where the sentence whose last stop is at i ends (after closing quotes), or 0 if
// that stop ends none: after an initial, an abbreviation, a number, before a small letter.
func sentenceEnd(rs []rune, i int) int {
	s := stop(rs[i])
	if s == 0 || i+1 < len(rs) && stop(rs[i+1]) != 0 {
		return 0
	}
	end := i + 1
	for end < len(rs) && (unicode.In(rs[end], unicode.Pe, unicode.Pf) || rs[end] == '"' || rs[end] == '\'') {
		end++
	}
	if s == 2 || end == len(rs) {
		return end
	}
	if !unicode.IsSpace(rs[end]) {
		return 0
	}
	next := end
	for next < len(rs) && !unicode.IsLetter(rs[next]) && !unicode.IsDigit(rs[next]) {
		next++
	}
	if next < len(rs) && unicode.IsLower(rs[next]) || rs[i] == '.' && abbreviated(rs[:i]) {
		return 0
	}
	return end
}

// abbreviated tells whether the word before a full stop is shortened by it.
func abbreviated(before []rune) bool {
	from := len(before)
	for from > 0 && len(before)-from < 16 && !unicode.IsSpace(before[from-1]) && !unicode.In(before[from-1], unicode.Ps, unicode.Pi) {
		from--
	}
	word := strings.ToLower(string(before[from:]))
	if n := len(before) - from; n <= 1 || n <= 2 && digits(word) || n <= 6 && strings.Contains(word, ".") {
		return true
	}
	return slices.Contains(strings.Fields("mr mrs ms dr prof st nr vs etc bzw ca usw vgl sr sra jr fig inc ltd al approx "+
		"hr fr bd abb str sog inkl evtl mme mlle cf env av art vol ed pp dept gen sen rev см рис стр гл ул"), word)
}

func digits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsDigit(r) })
}

// cutting tells where a text is cut.
type cutting uint8

const (
	nowhere     cutting = iota
	inWord              // between two characters of a word that has no end in sight
	afterWord           // after a whole word, or a syllable of a script without spaces
	afterPeriod         // after a whole sentence
)

// cutPoint returns where to cut a text so that at most limit characters stay: after the last sentence
// that ends at least characters in, else after the last whole word, else after the last whole character.
func cutPoint(rs []rune, limit, least int) (int, cutting) {
	sentence, word, char := 0, 0, 0
	for i := range min(limit+1, len(rs)) {
		if i > 0 && breakable(rs[i-1], rs[i]) {
			char = i
			if wordEnds(rs[i-1], rs[i]) {
				word = i
			}
		}
		if end := sentenceEnd(rs, i); end > 0 && end <= limit {
			sentence = end
		}
	}
	syllable := char > 0 && unspaced(rs[char-1])
	switch {
	case sentence > 0 && sentence >= least:
		return sentence, afterPeriod
	case word > 0 && (word >= limit*2/3 || !syllable):
		return word, afterWord
	case syllable:
		return char, afterWord
	case char > 0:
		return char, inWord
	}
	return 0, nowhere
}

func wordEnds(prev, next rune) bool {
	if unicode.IsSpace(next) {
		return !unicode.IsSpace(prev)
	}
	return (ideographic(prev) || ideographic(next)) && !bindsBack(next) && !bindsOn(prev)
}
