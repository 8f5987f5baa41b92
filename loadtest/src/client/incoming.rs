//! What a tracker says, read in one pass that jumps from quote to quote. A relayed message is
//! mostly one long session description, so a full JSON parse would cost more than the relay itself.

use memchr::memchr;

/// A message with the fields that verification needs, as raw slices between their quotes. A field
/// that is missing is empty, which no id and no description is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Incoming<'a> {
    pub(crate) info_hash: &'a [u8],
    pub(crate) peer_id: &'a [u8],
    pub(crate) offer_id: &'a [u8],
    pub(crate) body: Body<'a>,
}

/// What kind of message it is; told by the fields, as clients do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    Reply(Reply),
    Offer { sdp: &'a [u8] },
    Answer { sdp: &'a [u8] },
    Refusal { reason: &'a [u8] },
}

/// What a tracker asks of an announcer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// When it should announce again, in seconds.
    pub(crate) interval: Option<u64>,
    /// How long it must not (BEP 3's `min interval`), in seconds.
    pub(crate) min_interval: Option<u64>,
    /// The announce came too early; its offers were not passed on.
    pub(crate) is_warned: bool,
}

/// A message that is no JSON object with an `"action":"announce"`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not understood")]
pub(crate) struct NotUnderstood;

impl<'a> Incoming<'a> {
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, NotUnderstood> {
        let mut cursor = Cursor { rest: text };
        let mut message = Self {
            info_hash: b"",
            peer_id: b"",
            offer_id: b"",
            body: Body::Reply(Reply::default()),
        };
        let mut action: &[u8] = b"";
        cursor.members(|key, cursor| {
            match key {
                b"action" => action = cursor.string()?,
                b"info_hash" => message.info_hash = cursor.string()?,
                b"peer_id" => message.peer_id = cursor.string()?,
                b"offer_id" => message.offer_id = cursor.string()?,
                b"offer" => message.body = Body::Offer { sdp: cursor.sdp()? },
                b"answer" => message.body = Body::Answer { sdp: cursor.sdp()? },
                b"failure reason" => message.body = Body::Refusal { reason: cursor.string()? },
                b"interval" => {
                    let seconds = cursor.seconds()?;
                    message.reply(|reply| reply.interval = seconds);
                }
                b"min interval" => {
                    let seconds = cursor.seconds()?;
                    message.reply(|reply| reply.min_interval = seconds);
                }
                b"warning message" => {
                    cursor.string()?;
                    message.reply(|reply| reply.is_warned = true);
                }
                _ => {
                    cursor.skip_value()?;
                }
            }
            Ok(())
        })?;
        if action == b"announce" { Ok(message) } else { Err(NotUnderstood) }
    }

    /// Notes something about the reply, unless the message is another one.
    fn reply(&mut self, note: impl FnOnce(&mut Reply)) {
        if let Body::Reply(reply) = &mut self.body {
            note(reply);
        }
    }
}

/// What is still to be read of a message.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Calls `each` for every key of an object, with the cursor at its value.
    fn members(
        &mut self,
        mut each: impl FnMut(&'a [u8], &mut Self) -> Result<(), NotUnderstood>,
    ) -> Result<(), NotUnderstood> {
        self.expect(b'{')?;
        if self.next_is(b'}') {
            return self.expect(b'}');
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            each(key, self)?;
            if self.next_is(b'}') {
                return self.expect(b'}');
            }
            self.expect(b',')?;
        }
    }

    /// The `sdp` member of the object ahead.
    fn sdp(&mut self) -> Result<&'a [u8], NotUnderstood> {
        let mut sdp: &[u8] = b"";
        self.members(|key, cursor| {
            match key {
                b"sdp" => sdp = cursor.string()?,
                _ => drop(cursor.skip_value()?),
            }
            Ok(())
        })?;
        Ok(sdp)
    }

    /// A number of seconds; some trackers halve an odd interval and send a fraction.
    fn seconds(&mut self) -> Result<Option<u64>, NotUnderstood> {
        let number = str::from_utf8(self.skip_value()?).map_err(|_| NotUnderstood)?;
        Ok(number.parse::<f64>().ok().map(|seconds| seconds as u64))
    }

    /// A string's raw inside, escapes kept.
    fn string(&mut self) -> Result<&'a [u8], NotUnderstood> {
        self.expect(b'"')?;
        let mut end = 0;
        loop {
            end += memchr(b'"', &self.rest[end..]).ok_or(NotUnderstood)?;
            let escapes = self.rest[..end].iter().rev().take_while(|byte| **byte == b'\\').count();
            if escapes % 2 == 0 {
                break;
            }
            end += 1;
        }
        let inside = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(inside)
    }

    /// Steps over any value and returns its text; brackets are counted, not matched.
    fn skip_value(&mut self) -> Result<&'a [u8], NotUnderstood> {
        self.skip_space();
        let start = self.rest;
        let mut depth = 0_usize;
        loop {
            match self.rest.first().ok_or(NotUnderstood)? {
                b'"' => drop(self.string()?),
                b',' | b'}' | b']' if depth == 0 => break,
                byte => {
                    match byte {
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                    self.rest = &self.rest[1..];
                }
            }
        }
        Ok(start[..start.len() - self.rest.len()].trim_ascii_end())
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotUnderstood> {
        if !self.next_is(byte) {
            return Err(NotUnderstood);
        }
        self.rest = &self.rest[1..];
        Ok(())
    }

    fn next_is(&mut self, byte: u8) -> bool {
        self.skip_space();
        self.rest.first() == Some(&byte)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Incoming<'_>, NotUnderstood> {
        Incoming::read(text.as_bytes())
    }

    #[test]
    fn an_offer_reads_the_same_in_any_order_and_spacing() {
        let expected = Ok(Incoming {
            info_hash: b"H",
            peer_id: b"P",
            offer_id: b"O",
            body: Body::Offer { sdp: br#"v=0\r\n\\\"x"# },
        });
        for text in [
            r#"{"action":"announce","info_hash":"H","offer_id":"O","peer_id":"P","offer":{"type":"offer","sdp":"v=0\r\n\\\"x"}}"#,
            r#"{"offer":{"sdp":"v=0\r\n\\\"x","type":"offer"},"peer_id":"P","offer_id":"O","info_hash":"H","action":"announce"}"#,
            "{ \"action\" : \"announce\",\n\"more\":[1,{\"sdp\":\"]\"},null], \"offer\" : { \"type\":\"offer\", \"sdp\" : \"v=0\\r\\n\\\\\\\"x\" } , \"info_hash\":\"H\",\"peer_id\":\"P\",\"offer_id\":\"O\" }",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn replies_answers_and_refusals_are_told_apart() {
        let body = |text| read(text).expect("understood").body;
        let reply = r#"{"action":"announce","interval":120,"complete":0,"incomplete":2}"#;
        let with = |interval| Body::Reply(Reply { interval, ..Reply::default() });
        assert_eq!(body(reply), with(Some(120)));
        let late = r#"{"action":"announce","complete":0,"interval": 7.5 }"#;
        assert_eq!(body(late), with(Some(7)));
        assert_eq!(body(r#"{"action":"announce"}"#), with(None));
        let early = r#"{"action":"announce","warning message":"too early","min interval":30,"interval":120}"#;
        let asked = Reply { interval: Some(120), min_interval: Some(30), is_warned: true };
        assert_eq!(body(early), Body::Reply(asked));
        let answer = r#"{"action":"announce","answer":{"type":"answer","sdp":"s"}}"#;
        assert_eq!(body(answer), Body::Answer { sdp: b"s" });
        let refusal = r#"{"action":"announce","failure reason":"no"}"#;
        assert_eq!(body(refusal), Body::Refusal { reason: b"no" });
    }

    #[test]
    fn what_is_no_announce_is_not_understood() {
        for text in [
            "",
            "{",
            "{}",
            "null",
            "[]",
            r#"{"action":"scrape","files":{}}"#,
            r#"{"action":"#,
            r#"{"action":"announce""#,
            r#"{"action":"announce\"}"#,
            r#"{"action":"announce","x":}"#,
            r#"{"action":"announce","x":]}"#,
            r#"{"action":"announce","x":[}"#,
        ] {
            let understood = read(text);
            // An empty value is passed over: only what verification uses must be well-formed.
            let lenient = text.ends_with(r#""x":}"#);
            assert_eq!(understood.is_ok(), lenient, "{text}");
        }
    }
}
