//! What a list's answer means: the one place where an answer becomes a judgement.
//!
//! In: a list's [`Entry`] and the raw outcome of one look-up. Out: a [`Verdict`]. No DNS happens here.

use super::Entry;
use crate::dns::DnsError;
use std::net::{IpAddr, Ipv4Addr};

/// What a list says about a target. Only the first three are about the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The target is on the list, for these reasons.
    Listed {
        /// The answers.
        codes: Vec<Ipv4Addr>,
        /// What each reason means.
        meanings: Vec<String>,
    },
    /// The target is not on the list, or only with a neutral remark.
    Clean,
    /// The list speaks for the target.
    Allowed {
        /// The answers.
        codes: Vec<Ipv4Addr>,
        /// What they mean.
        meanings: Vec<String>,
    },
    /// The list refuses our resolver, in the words of its answer's meaning.
    Blocked {
        /// Why.
        meaning: String,
    },
    /// An answer that no block list gives: the domain is parked, or somebody rewrites DNS.
    Hijacked,
    /// The list lists everybody (127.0.0.1 is on it).
    World,
    /// The list does not hold its own test entry.
    Dead,
    /// The DNS server refuses the question.
    Refused,
    /// The DNS server could not find out.
    ServFail,
    /// No answer in time.
    Timeout,
}

impl Verdict {
    /// The word shown to people and in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Listed { .. } => "listed",
            Self::Clean => "clean",
            Self::Allowed { .. } => "allowed",
            Self::Blocked { .. } => "blocked",
            Self::Hijacked => "hijacked",
            Self::World => "world",
            Self::Dead => "dead",
            Self::Refused => "refused",
            Self::ServFail => "servfail",
            Self::Timeout => "timeout",
        }
    }

    /// Whether it says something about the target, rather than about the list or the way to it.
    pub fn is_conclusive(&self) -> bool {
        matches!(
            self,
            Self::Listed { .. } | Self::Clean | Self::Allowed { .. }
        )
    }

    /// The order in a summary: what needs the reader first.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Listed { .. } => 0,
            Self::World => 1,
            Self::Hijacked => 2,
            Self::Blocked { .. } => 3,
            Self::Dead => 4,
            Self::Refused => 5,
            Self::ServFail => 6,
            Self::Timeout => 7,
            Self::Allowed { .. } => 8,
            Self::Clean => 9,
        }
    }
}

/// One answer, sorted by what it says.
enum Word {
    Bad(String),
    Good(String),
    Neutral(String),
    Blocked(String),
    /// No block list says this.
    Foreign,
}

/// Judges one look-up of a list that is known to be healthy; the second part is a remark for the evidence.
pub(super) fn judge(
    entry: &Entry,
    outcome: &Result<Vec<IpAddr>, DnsError>,
) -> (Verdict, Option<String>) {
    let answers = match outcome {
        Ok(answers) => answers,
        Err(error) => return failure(error),
    };
    let (mut codes, mut bad, mut good, mut neutral) = (vec![], vec![], vec![], vec![]);
    let mut foreign = false;
    for answer in answers {
        let IpAddr::V4(code) = answer else {
            foreign = true;
            continue;
        };
        codes.push(*code);
        for word in words(entry, *code) {
            match word {
                Word::Bad(meaning) => bad.push(meaning),
                Word::Good(meaning) => good.push(meaning),
                Word::Neutral(meaning) => neutral.push(meaning),
                // A refusal says nothing about the target, whatever stands beside it.
                Word::Blocked(meaning) => return (Verdict::Blocked { meaning }, None),
                Word::Foreign => foreign = true,
            }
        }
    }
    if foreign || codes.is_empty() {
        return (
            Verdict::Hijacked,
            Some("an answer that no block list gives".to_owned()),
        );
    }
    let remark = (!neutral.is_empty()).then(|| neutral.join(", "));
    let verdict = if !bad.is_empty() {
        Verdict::Listed {
            codes,
            meanings: bad,
        }
    } else if !good.is_empty() {
        Verdict::Allowed {
            codes,
            meanings: good,
        }
    } else {
        Verdict::Clean
    };
    (verdict, remark)
}

/// A look-up without an answer: "no such name" means not listed, everything else that nobody knows.
pub(super) fn failure(error: &DnsError) -> (Verdict, Option<String>) {
    match error {
        DnsError::NxDomain | DnsError::NoData => (Verdict::Clean, None),
        DnsError::ServFail => (Verdict::ServFail, None),
        DnsError::Refused => (Verdict::Refused, None),
        DnsError::Timeout => (Verdict::Timeout, None),
        DnsError::Other(text) => (
            Verdict::ServFail,
            Some(crate::sanitize::str_line(text).into_owned()),
        ),
    }
}

/// Why an answer is a refusal of the resolver, when it is one.
pub(super) fn refusal(entry: &Entry, answer: IpAddr) -> Option<String> {
    let IpAddr::V4(code) = answer else {
        return None;
    };
    words(entry, code).into_iter().find_map(|word| match word {
        Word::Blocked(meaning) => Some(meaning),
        _ => None,
    })
}

fn words(entry: &Entry, code: Ipv4Addr) -> Vec<Word> {
    let octets = code.octets();
    if octets[..3] == [127, 255, 255] {
        return vec![Word::Blocked(
            match octets[3] {
                252 => "the zone's name is mistyped",
                254 => "the question came through a public resolver",
                255 => "too many questions from this resolver",
                _ => "the list refuses this resolver",
            }
            .to_owned(),
        )];
    }
    if octets[0] != 127 {
        return vec![Word::Foreign];
    }
    let meaning = |table: &std::collections::BTreeMap<super::Pattern, String>| {
        table
            .iter()
            .find(|(pattern, _)| pattern.matches(code))
            .map(|(_, meaning)| meaning.clone())
    };
    if let Some(blocked) = meaning(&entry.blocked) {
        return vec![Word::Blocked(blocked)];
    }
    if !entry.bits.is_empty() {
        return bits(entry, octets);
    }
    if let Some(bad) = meaning(&entry.codes) {
        return vec![Word::Bad(bad)];
    }
    if let Some(good) = meaning(&entry.good) {
        return vec![Word::Good(good)];
    }
    if let Some(neutral) = meaning(&entry.neutral) {
        return vec![Word::Neutral(neutral)];
    }
    if octets == [127, 0, 0, 1] {
        return vec![Word::Foreign];
    }
    // An allow list does not begin to block with a code nobody has heard of.
    if entry.codes.is_empty() && !entry.good.is_empty() {
        return vec![Word::Neutral(format!("unknown answer {code}"))];
    }
    vec![Word::Bad(if entry.codes.is_empty() {
        "listed".to_owned()
    } else {
        format!("listed, with a code the catalogue does not know ({code})")
    })]
}

fn bits(entry: &Entry, octets: [u8; 4]) -> Vec<Word> {
    let [127, 0, 0, sum] = octets else {
        return vec![Word::Foreign];
    };
    if entry.blocked_bit.is_some_and(|bit| sum & bit != 0) {
        return vec![Word::Blocked("the list refuses this resolver".to_owned())];
    }
    let known: Vec<Word> = entry
        .bits
        .iter()
        .filter(|(bit, _)| sum & bit.0 != 0)
        .map(|(_, meaning)| Word::Bad(meaning.clone()))
        .collect();
    if known.is_empty() {
        return vec![Word::Bad(format!(
            "listed, with bits the catalogue does not know ({sum})"
        ))];
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbl::find;

    fn verdict(zone: &str, answers: &[[u8; 4]]) -> Verdict {
        let entry = find(zone).cloned().unwrap_or_else(|| Entry::unknown(zone));
        let answers = answers.iter().map(|a| IpAddr::from(*a)).collect();
        judge(&entry, &Ok(answers)).0
    }

    fn word(zone: &str, answers: &[[u8; 4]]) -> &'static str {
        verdict(zone, answers).word()
    }

    #[test]
    fn codes_have_meanings() {
        let Verdict::Listed { codes, meanings } =
            verdict("zen.spamhaus.org", &[[127, 0, 0, 4], [127, 0, 0, 11]])
        else {
            panic!("not listed");
        };
        assert_eq!(codes.len(), 2);
        assert!(meanings[0].starts_with("XBL"), "{meanings:?}");
        assert!(meanings[1].starts_with("PBL"), "{meanings:?}");
        assert_eq!(word("zen.spamhaus.org", &[[127, 0, 0, 77]]), "listed");
        assert_eq!(word("unheard.example", &[[127, 0, 0, 5]]), "listed");
    }

    #[test]
    fn refusals_are_never_listings() {
        for last in [252, 254, 255, 1] {
            for zone in ["zen.spamhaus.org", "multi.surbl.org", "unheard.example"] {
                assert_eq!(word(zone, &[[127, 255, 255, last]]), "blocked");
            }
        }
        assert_eq!(word("multi.surbl.org", &[[127, 0, 0, 1]]), "blocked");
        assert_eq!(word("multi.uribl.com", &[[127, 0, 0, 3]]), "blocked");
        assert_eq!(word("list.dnswl.org", &[[127, 0, 0, 255]]), "blocked");
        assert_eq!(word("list.dnswl.org", &[[127, 0, 10, 3]]), "blocked");
        assert_eq!(word("dbl.spamhaus.org", &[[127, 0, 1, 255]]), "blocked");
        // Also when it stands beside a listing.
        assert_eq!(
            word("zen.spamhaus.org", &[[127, 0, 0, 2], [127, 255, 255, 254]]),
            "blocked"
        );
    }

    #[test]
    fn answers_from_elsewhere_are_hijacks() {
        assert_eq!(word("bl.spamcop.net", &[[192, 0, 2, 1]]), "hijacked");
        assert_eq!(word("bl.spamcop.net", &[[127, 0, 0, 1]]), "hijacked");
        assert_eq!(word("bl.spamcop.net", &[]), "hijacked");
        assert_eq!(word("multi.uribl.com", &[[127, 0, 1, 2]]), "hijacked");
        assert_eq!(
            word("hostkarma.junkemailfilter.com", &[[127, 0, 0, 1]]),
            "allowed"
        );
        let entry = Entry::unknown("x.example");
        let v6 = Ok(vec!["2001:db8::1".parse().unwrap()]);
        assert_eq!(judge(&entry, &v6).0, Verdict::Hijacked);
    }

    #[test]
    fn bits_and_reputations() {
        let Verdict::Listed { meanings, .. } = verdict("multi.surbl.org", &[[127, 0, 0, 72]])
        else {
            panic!("not listed");
        };
        assert_eq!(meanings.len(), 2);
        assert_eq!(word("multi.surbl.org", &[[127, 0, 0, 2]]), "listed");
        assert_eq!(word("rep.mailspike.net", &[[127, 0, 0, 11]]), "listed");
        assert_eq!(word("rep.mailspike.net", &[[127, 0, 0, 14]]), "clean");
        assert_eq!(word("rep.mailspike.net", &[[127, 0, 0, 20]]), "allowed");
        assert_eq!(word("list.dnswl.org", &[[127, 0, 5, 2]]), "allowed");
        assert_eq!(word("list.dnswl.org", &[[127, 0, 5, 9]]), "clean");
    }

    #[test]
    fn failures_are_neither_listed_nor_clean() {
        let entry = Entry::unknown("x.example");
        for (error, expected) in [
            (DnsError::NxDomain, "clean"),
            (DnsError::NoData, "clean"),
            (DnsError::ServFail, "servfail"),
            (DnsError::Refused, "refused"),
            (DnsError::Timeout, "timeout"),
            (DnsError::Other("x".to_owned()), "servfail"),
        ] {
            assert_eq!(judge(&entry, &Err(error)).0.word(), expected);
        }
    }
}
