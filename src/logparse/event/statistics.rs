//! anvil(8)'s statistics: the largest rates and counts since the last report.

use memchr::memchr;

/// `statistics: max WHAT rate N/60s for (SERVICE:ADDRESS) at TIME` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anvil<'a> {
    /// `connection rate`, `message rate`, `connection count`, `cache size`, ...
    pub what: &'a [u8],
    /// The number.
    pub value: u64,
    /// For rates: over how many seconds (anvil_rate_time_unit).
    pub seconds: Option<u32>,
    /// The service and client that reached it, as logged; the cache size has none.
    pub reached_by: Option<&'a [u8]>,
    /// When, in the host's local time, without a year (`Nov 22 08:48:54`).
    pub at: &'a [u8],
}

impl<'a> Anvil<'a> {
    /// The client's address. The service before it may be a name, a port, or an address and a port.
    pub fn client_ip(&self) -> Option<&'a [u8]> {
        self.split().map(|(_, ip)| ip)
    }

    /// The service as master.cf names it.
    pub fn service(&self) -> Option<&'a [u8]> {
        self.split().map(|(service, _)| service)
    }

    fn split(&self) -> Option<(&'a [u8], &'a [u8])> {
        let text = self.reached_by?;
        // `[2001:db8::1]:2525:ADDRESS`, `192.0.2.1:2525:ADDRESS`, `smtp:ADDRESS`
        let port = match memchr(b']', text).filter(|_| text.starts_with(b"[")) {
            Some(close) if text.get(close + 1) == Some(&b':') => close + 2,
            Some(_) => return None,
            None => {
                let colon = memchr(b':', text)?;
                let first = &text[..colon];
                if first.contains(&b'.') && memchr(b':', &text[colon + 1..]).is_some() {
                    colon + 1
                } else {
                    0
                }
            }
        };
        let colon = port + memchr(b':', &text[port..])?;
        Some((&text[..colon], &text[colon + 1..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_clients() {
        for (text, service, ip) in [
            (
                "10.1.1.100:2525:198.51.100.9",
                "10.1.1.100:2525",
                "198.51.100.9",
            ),
            (
                "[2001:db8::100]:2525:2001:db8::25",
                "[2001:db8::100]:2525",
                "2001:db8::25",
            ),
            ("smtpd:192.0.2.1", "smtpd", "192.0.2.1"),
            ("smtp:2001:db8::1", "smtp", "2001:db8::1"),
        ] {
            let anvil = Anvil {
                what: b"connection rate",
                value: 1,
                seconds: Some(60),
                reached_by: Some(text.as_bytes()),
                at: b"",
            };
            assert_eq!(anvil.service(), Some(service.as_bytes()));
            assert_eq!(anvil.client_ip(), Some(ip.as_bytes()));
        }
    }
}
