//! The rows of [`Key`], in the order in which they are printed: a section before what is in it,
//! and keys before the sections beside them, as TOML has it.

use std::ops::RangeInclusive;

use origin::limits as of_origin;

use super::keys::Default::{Is, Needed, Off, On, Unset};
use super::keys::{Key, number, section, switch, text};

/// Every key that a configuration may have.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    number("workers", "threads", 1..=256, Unset("one per core", "4"),
        "Threads that serve."),
    number("drainSeconds", "seconds", 0..=600, Is("1"),
        "Over which a stop closes the sockets."),
    text("webRoot", "folder", "one that can be read", Unset("none", r#""public""#),
        "Files to serve beside the sockets, at every path that nothing else has."),

    text("trustedProxies", "list of addresses and prefixes", "1024 at most", Is("[]"),
        "Proxies in front whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`."),

    section("log", On,
        "What is told on stderr."),
    text("log.format", "format", "`text` or `json`", Is(r#""text""#),
        "Lines for people, or a JSON object a line."),
    text("log.level", "level", "`error`, `warn`, `info`, `debug` or `trace`", Is(r#""info""#),
        "The least important that is told. The variable RUST_LOG, where it is set, decides instead."),

    section("servers[]", On,
        "A listener; at least one."),
    section("servers[].server", On,
        "Where it listens."),
    number("servers[].server.port", "TCP port", 0..=65_535, Is("8000"),
        "0 lets the system choose; the start prints what it got."),
    text("servers[].server.host", "IP address, or `localhost`", "of this machine", Is(r#""0.0.0.0""#),
        "`::` takes IPv4 as well."),
    text("servers[].server.key_file_name", "file", "with `cert_file_name`", Unset("off", r#""""#),
        "The certificate's private key in PEM: RSA, ECDSA or Ed25519, without a passphrase."),
    text("servers[].server.cert_file_name", "file", "with `key_file_name`", Unset("off", r#""""#),
        "The listener's certificate in PEM, and behind it those that lead to a root: it speaks TLS."),
    section("servers[].websockets", On,
        "Its sockets."),
    text("servers[].websockets.path", "path", "begins with `/`", Is(r#""/*""#),
        "Where the sockets are; `*` at the end is anything."),
    number("servers[].websockets.maxPayloadLength", "bytes", 1024..=16 << 20, Is("65536"),
        "A message from a client, as it came and inflated; a longer one closes its socket with 1009."),
    number("servers[].websockets.idleTimeout", "seconds", 0..=86_400, Is("240"),
        "Silence after which a socket is closed; half way it is pinged. 0 is for ever."),
    number("servers[].websockets.compression", "wt-tracker's mode", 0..=65_535, Is("1"),
        "0 is off. With any other, clients that offer `permessage-deflate` may compress what they say, and are sent what is worth it compressed; it takes no memory for a socket, whatever the mode."),
    number("servers[].websockets.compressionThreshold", "bytes", 0..=16 << 20, Is("1024"),
        "Messages of this length and more are sent compressed where that makes them shorter. 0 is all of them, 16777216 none, as wt-tracker does."),
    number("servers[].websockets.maxConnections", "sockets of the whole process", 0..=1 << 24, Is("0"),
        "Beyond it the handshake gets 503, and so does `/ready`. 0 is no limit."),

    section("tracker", On,
        "What peers are introduced by."),
    number("tracker.maxOffers", "offers", 0..=50, Is("20"),
        "Passed on of one announce."),
    number("tracker.announceInterval", "seconds", 1..=86_400, Is("120"),
        "The pause that clients are asked for, and up to four times as much under load; a peer silent for what it was asked for and a usual pause is forgotten."),
    text("tracker.minAnnounceInterval", "seconds", "0 to `announceInterval`",
        Unset("a quarter of `announceInterval`", "30"),
        "How soon a peer may bring offers again; sooner ones go to nobody. 0 turns the rule off."),
    number("tracker.crossShare", "percent", 0..=100, Is("12"),
        "Of the offers in a swarm that several workers or nodes have: so many go to a member elsewhere, and all when nobody is here."),
    number("tracker.digestInterval", "seconds", 1..=60, Is("5"),
        "How often workers and nodes tell each other how many members they have of what they share. After three without a word one is gone."),
    switch("tracker.scrapeAll", Is("false"),
        "Whether a scrape without info hashes is answered, with the 1,000 largest swarms. It tells everybody which there are, with a token or not."),

    section("limits", On,
        "What one client, and all of them, may take up. 0 is no limit. Per IP is per IPv4 address, \
         and per IPv6 /64; this machine and `trustedProxies` are under no such limit. A rate lets \
         ten seconds' worth come at once."),
    number("limits.connections", "sockets", 0..=1 << 24, Is("0"),
        "Open at a time. Beyond it the handshake and `/ready` get 503."),
    number("limits.connectionsPerIp", "sockets", 0..=1 << 24, Is("1000"),
        "Open at a time. Beyond it the handshake gets 429. As many further connections may shake \
         hands or speak HTTP; beyond that they are closed at once. A CDN or proxy in front belongs \
         in `trustedProxies`."),
    number("limits.connectionsPerSecondPerIp", "connections a second", 0..=1_000_000, Is("50"),
        "New ones. Further ones wait for their turn, 5 s at most; beyond that they are closed, and \
         behind a trusted proxy the handshake gets 429."),
    number("limits.handshakeSeconds", "seconds", 0..=3600, Is("10"),
        "From the connection to the end of the handshake, and for each further request of a \
         connection that is kept; a response may stand still for six times as long. Then it is \
         closed."),
    number("limits.jsonDepth", "levels", 0..=128, Is("16"),
        "In a message; a deeper one is refused. A plain announce needs 4. 0 is 128."),
    number("limits.offersPerAnnounce", "offers", 0..=1 << 16, Is("50"),
        "Looked at; further ones are ignored."),
    number("limits.sdpBytes", "bytes, as they stand in the message", 0..=16 << 20, Is("16384"),
        "A message with a longer SDP is refused."),
    number("limits.swarmsPerSocket", "pairs of swarm and peer id", 0..=1 << 24, Is("128"),
        "A further one is refused."),
    number("limits.peerIdsPerSocket", "peer ids", 0..=1 << 24, Is("128"),
        "A further one is refused."),
    number("limits.announcesPerSecondPerSocket", "messages a second", 0..=1_000_000, Is("10"),
        "Announces, scrapes, and what is neither those nor an answer; further ones are refused. Of \
         frames of any kind 20 times as many are read."),
    number("limits.announcesPerSecondPerIp", "messages a second", 0..=1_000_000, Is("200"),
        "The same, of all sockets of an address together."),
    number("limits.offersPerSecondPerReceiver", "offers a second", 0..=1_000_000, Is("20"),
        "Passed on to one peer."),
    number("limits.swarms", "swarms", 0..=1 << 32, Is("1000000"),
        "Open at a time; what would open a further one is refused."),
    number("limits.partitionMembers", "peers", 0..=1 << 32, Is("2500"),
        "Of one swarm on one worker; beyond it another worker with fewer sockets takes those who come, and the two exchange `tracker.crossShare` of their offers."),
    number("limits.outboxBytes", "bytes", 0..=1 << 30, Is("262144"),
        "That wait for a client that doesn't read; beyond it the socket is closed."),

    section("websocketsAccess", On,
        "Whose pages may open sockets."),
    text("websocketsAccess.allowOrigins", "list of origins", "not with `denyOrigins`",
        Unset("all", r#"["https://example.org"]"#),
        "Pages of these origins may, and nobody else: what is no browser says none. They are compared \
         letter by letter, without a path or a `/` at the end."),
    text("websocketsAccess.denyOrigins", "list of origins", "not with `allowOrigins`",
        Unset("none", r#"["https://example.com"]"#),
        "Pages of these origins may not."),
    switch("websocketsAccess.denyEmptyOrigin", Is("false"),
        "Whether what is no browser, and says no origin, is kept out. With `allowOrigins` it always is."),

    section("access", Off,
        "Who may join which swarms. Files are read at the start, again when they change, and on \
         SIGHUP. Replace one by renaming a new one over it, so that it is never read half written."),
    text("access.allowInfoHashes", "file", "not with `denyInfoHashes`",
        Unset("all", r#""/etc/tracker/streams.txt""#),
        "The swarms that are served: an info hash a line, in 40 hexadecimal digits, with comments \
         after `#`."),
    text("access.denyInfoHashes", "file", "not with `allowInfoHashes`",
        Unset("none", r#""/etc/tracker/unwanted.txt""#),
        "The swarms that are not. Who is in one already is refused at its next announce."),
    section("access.tokens", Off,
        "Sockets are opened only with a token: a JWT (RFC 7519) in the query of the WebSocket's URL, \
         signed with the one key that is named here."),
    text("access.tokens.hs256SecretFile", "file", "not with `ed25519PublicKeyFile`",
        Unset("none", r#""/etc/tracker/secret""#),
        "A secret of 32 bytes or more: tokens are signed with HS256."),
    text("access.tokens.ed25519PublicKeyFile", "file", "not with `hs256SecretFile`",
        Unset("none", r#""/etc/tracker/public.pem""#),
        "A public key in PEM: tokens are signed with EdDSA, on Ed25519."),
    text("access.tokens.parameter", "name", "1 to 64 letters, digits or `-._~`", Is(r#""token""#),
        "The query's parameter with the token."),

    section("cluster", Off,
        "Other nodes, of which this one hears through NATS: viewers of one swarm meet whichever node \
         they are on. It needs NATS's core, and no JetStream."),
    text("cluster.servers", "NATS servers", "`nats://` or `tls://`, several with commas between",
        Is(r#""nats://127.0.0.1:4222""#),
        "Any that can be reached will do. While none can, this node serves its own viewers."),
    text("cluster.node", "name", "1 to 64 letters, digits, `-` or `_`",
        Unset("a random one", r#""node-1""#),
        "What this node is called. One that starts again under its name takes the place of its last run."),
    text("cluster.subject", "name", "up to 64 letters, digits, `-` or `_`, in parts between dots",
        Is(r#""tracker""#),
        "What the subjects begin with: several clusters may share one NATS."),
    number("cluster.queueBytes", "bytes", 1 << 16..=1 << 30, Is("16777216"),
        "That may wait for NATS; beyond it the oldest are dropped."),
    text("cluster.user", "name", "with `password`", Unset("none", r#""tracker""#),
        "Who this node is to NATS. Of this, `token`, `nkeyFile` and `credentialsFile` there is one at most."),
    text("cluster.password", "text", "with `user`", Unset("none", r#""correct-horse-battery""#),
        "It is never logged. The variable `TRACKER_CLUSTER__PASSWORD` keeps it out of files."),
    text("cluster.token", "text", "", Unset("none", r#""correct-horse-battery""#),
        "The same, where NATS goes by tokens."),
    text("cluster.nkeyFile", "file", "", Unset("none", r#""/etc/tracker/nats.nk""#),
        "The seed of this node's nkey."),
    text("cluster.credentialsFile", "file", "", Unset("none", r#""/etc/tracker/nats.creds""#),
        "This node's JWT and seed, as nsc writes them."),
    section("cluster.tls", Off,
        "NATS is spoken to with TLS only. The files are in PEM, and read when a connection is made."),
    text("cluster.tls.caFile", "file", "", Unset("whom the system trusts", r#""/etc/tracker/ca.pem""#),
        "Who has to have signed the servers' certificates."),
    text("cluster.tls.certFile", "file", "with `keyFile`", Unset("none", r#""/etc/tracker/node.pem""#),
        "This node's own certificate, where the servers ask for one."),
    text("cluster.tls.keyFile", "file", "with `certFile`", Unset("none", r#""/etc/tracker/node-key.pem""#),
        "The certificate's key."),

    section("web", Off,
        "The player at `/`."),
    text("web.trackers", "list of URLs", "`ws://`, `wss://`, or a path", Unset("this one", r#"["wss://tracker.example.org/"]"#),
        "Trackers that the page announces to."),
    text("web.stun", "list of URLs", "`stun:host:port`", Unset("this one, if on", r#"["stun:stun.example.org:3478"]"#),
        "STUN servers that the page asks."),
    section("web.streams[]", Off,
        "A playlist that the page plays; without any, this origin's."),
    text("web.streams[].name", "text", "", Needed(r#""news""#),
        "What the page calls it."),
    text("web.streams[].url", "URL", "`http://`, `https://`, or a path", Needed(r#""https://cdn.example.org/news.m3u8""#),
        "Where it is. `http://:8080/...`, without a host, is at that port of the page's own."),
    text("web.streams[].digests", "URL", "", Unset("none", r#""digests.json""#),
        "Signed digests that segments from other viewers are checked against, perhaps relative to \
         `url`; this origin's are `digests.json`. Without them nothing is checked."),
    text("web.streams[].digestsKey", "key", "Ed25519 in base64url, with `digests`",
        Unset("whatever key is used", r#""11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#),
        "The public key that has to have signed them: the origin logs it at its start."),
    text("web.uncheckedSegments", "word", "`refuse` or `accept`", Is(r#""refuse""#),
        "What becomes of a segment from another viewer whose digest can't be had: when refused, it \
         comes over HTTP."),
    text("web.consent", "word", "`assumed` or `ask`", Is(r#""assumed""#),
        "Whether viewers share from the start, or once they have agreed. On metered connections \
         they don't until they say so."),
    number("web.uploadKbps", "kbit/s", 0..=1_000_000, Is("10000"),
        "What a page sends to other viewers on average at most; ten seconds' worth may go at once. 0 is no limit."),
    number("web.behindTargets", "target durations", 2..=60, Is("6"),
        "How far behind live the page plays, which is the room in which viewers can share. A short \
         playlist is played from its middle."),
    number("web.httpSeconds", "seconds", 1..=60, Is("3"),
        "What is due within this time comes over HTTP, whatever other viewers have."),

    section("dashboard", Off,
        "The operators' page at `/dashboard` of each listener."),
    text("dashboard.tokenFile", "file", "", Unset("this machine alone", r#""/etc/tracker/dashboard-token""#),
        "A token of 16 to 256 letters, digits and signs, for whoever looks at it, from wherever; read \
         again when it changes. Without one only browsers of this machine may, and none that a proxy \
         speaks for."),

    section("stun", Off,
        "The STUN server."),
    number("stun.port", "UDP port", 0..=65_535, Is("3478"),
        "0 lets the system choose; the start prints what it got."),
    text("stun.host", "IP address, or `localhost`", "of this machine", Unset("all, of both IPs", r#""127.0.0.1""#),
        "The address to answer on."),
    switch("stun.optional", Is("false"),
        "Whether the start goes on, with a warning, when the port can't be had."),

    section("metrics", Off,
        "Where Prometheus reads the counts, at `/metrics`."),
    number("metrics.port", "TCP port", 0..=65_535, Is("9100"),
        "node_exporter has the same: choose another where both run."),
    text("metrics.host", "IP address, or `localhost`", "of this machine", Is(r#""127.0.0.1""#),
        "Anybody who reaches it can read it."),

    section("origin", Off,
        "Live streams as HLS, at `/live/<name>/index.m3u8`, and as DASH, at `/live/<name>/manifest.mpd`."),
    text("origin.folder", "folder", "", Unset("a fresh one, deleted at the end", r#""/run/origin""#),
        "Where ffmpeg hands its segments over. It is made when missing, and old segments in it are \
         deleted. Memory (`/run`, `/dev/shm`) spares a disk about 3 Mbit/s a stream."),
    section("origin.integrity", Off,
        "How players know that a segment from another viewer is what the origin made."),
    text("origin.integrity.keyFile", "file", "", Unset("a fresh key with each start", r#""/etc/origin/key.pem""#),
        "An Ed25519 key in PKCS#8 PEM (`openssl genpkey -algorithm ed25519`) that signs the digests: \
         the same on each origin behind one CDN. Pages of this process then accept no other."),
    section("origin.listen", Off,
        "Where the streams are, and encoders push. Inside the tracker it has threads of its own, which \
         give way to signalling; without it the tracker's own port serves the streams, for a first \
         look. The binary `origin` listens at the defaults then."),
    text("origin.listen.host", "IP address", "of this machine", Is(r#""0.0.0.0""#),
        "`::` takes IPv4 as well."),
    number("origin.listen.port", "TCP port", 0..=65_535, Is("8080"),
        "0 lets the system choose; the start prints what it got."),
    section("origin.listen.tls", Off,
        "HTTP/2 and HTTP/1.1 over TLS there, and nothing else. Both files are read again when they \
         change."),
    text("origin.listen.tls.certFile", "file", "", Needed(r#""fullchain.pem""#),
        "Certificates in PEM, the listener's own first."),
    text("origin.listen.tls.keyFile", "file", "", Needed(r#""privkey.pem""#),
        "Its private key in PEM."),
    section("origin.metrics", Off,
        "Where the binary `origin` shows its counts, at `/metrics`; inside the tracker they are on its \
         page."),
    text("origin.metrics.host", "IP address", "of this machine", Is(r#""127.0.0.1""#),
        "Anybody who reaches it can read it."),
    number("origin.metrics.port", "TCP port", 0..=65_535, Is("9101"),
        "0 lets the system choose; the start prints what it got."),
    section("origin.access", Off,
        "Who may have the streams. Its files are read again when they change."),
    text("origin.access.signingKeyFiles", "list of files", "2 at most", Is("[]"),
        "Each with a secret of 32 to 256 characters; addresses have to be signed by one of them \
         (`origin sign`)."),
    section("origin.access.cdnSecret", Off,
        "What a CDN adds to its requests; others are refused."),
    text("origin.access.cdnSecret.header", "name", "of a header", Is(r#""X-Origin-Secret""#),
        "Where the secret stands."),
    text("origin.access.cdnSecret.files", "list of files", "1 or 2", Needed(r#"["cdn.secret"]"#),
        "Each with a secret of 32 to 256 characters."),
    section("origin.streams[]", On,
        "A stream; 1 to 16 of them. Its source is the one of the sections below that it has."),
    text("origin.streams[].name", "name", "1 to 64 of a-z, 0-9, `-` and `_`", Is(r#""testcard""#),
        "Its place in URLs."),
    text("origin.streams[].start", "word", "`always` or `onDemand`", Is(r#""always""#),
        "`always` is as long as the origin runs; `onDemand` while somebody asks for it, and \
         `idleSeconds` longer."),
    number("origin.streams[].idleSeconds", "seconds", wide(&of_origin::IDLE_SECONDS), Is("60"),
        "Without a request, after which a stream on demand stops."),
    number("origin.streams[].playlistSegments", "segments", wide(&of_origin::PLAYLIST_SEGMENTS), Is("12"),
        "In the playlist. Peers share what lies between live and a viewer, so a longer playlist \
         leaves them more to share."),
    section("origin.streams[].testcard", Off,
        "A clock and a tone, encoded by ffmpeg; what a stream without a source is."),
    number("origin.streams[].testcard.fps", "frames a second", wide(&of_origin::FRAMES_PER_SECOND), Is("30"),
        "Of the picture."),
    number("origin.streams[].testcard.segmentSeconds", "seconds", wide(&of_origin::SEGMENT_SECONDS), Is("2"),
        "In a segment. Shorter ones cut the latency, and cost requests."),
    section("origin.streams[].testcard.qualities[]", On,
        "A quality of the picture; 1 to 6 of them, each an encoder. Together `videoKbps`, \
         `segmentSeconds` and `playlistSegments` may come to 256 MiB."),
    number("origin.streams[].testcard.qualities[].height", "pixels, even", wide(&of_origin::HEIGHT_PIXELS), Is("720"),
        "Down the picture, which is 16:9. No two qualities have the same."),
    number("origin.streams[].testcard.qualities[].videoKbps", "kbit/s", wide(&of_origin::VIDEO_KBPS), Is("2500"),
        "Of the picture; the sound adds 96."),
    section("origin.streams[].loop", Off,
        "A clip over and over, without any ffmpeg."),
    text("origin.streams[].loop.folder", "folder", "", Unset("the clip that ships", r#""/srv/film""#),
        "With an HLS playlist `index.m3u8` and its segments, in MPEG-TS or CMAF. Nothing outside of \
         it is read, and no link in it followed."),
    section("origin.streams[].ingest", Off,
        "An input that ffmpeg reads or listens on: see \"Inputs\" in docs/OPERATING.md."),
    text("origin.streams[].ingest.url", "URL or file", "`rtmp`, `rtmps`, `srt`, `rtsp`, `rtsps`, `udp`, `rtp`, `http`, `https`, or an absolute path",
        Needed(r#""rtsp://camera.example.org/live""#),
        "Where it is. `udp` and `rtp` bring MPEG-TS. A file is played over and over."),
    switch("origin.streams[].ingest.listen", Is("false"),
        "Whether an encoder connects to `url`, an IP address of this machine and a port, instead of \
         being connected to: RTMP, RTSP and SRT. Of RTMP the path is the key that the encoder needs."),
    text("origin.streams[].ingest.video", "word", "`auto`, `copy` or `transcode`", Is(r#""auto""#),
        "`copy` leaves the picture as it comes, `transcode` encodes it in `qualities`, and `auto` \
         does so only when browsers don't play it."),
    number("origin.streams[].ingest.segmentSeconds", "seconds", wide(&of_origin::SEGMENT_SECONDS), Is("2"),
        "In a segment. What is copied is cut at the encoder's next key frame after that."),
    text("origin.streams[].ingest.rtspTransport", "word", "`tcp` or `udp`", Is(r#""tcp""#),
        "How RTSP brings its packets."),
    number("origin.streams[].ingest.probeSeconds", "seconds", wide(&of_origin::PROBE_SECONDS), Is("5"),
        "That ffmpeg may take to find out what the input consists of. Most need less."),
    section("origin.streams[].ingest.qualities[]", On,
        "A quality of a picture that is encoded, as the test card's; none is higher than the input."),
    number("origin.streams[].ingest.qualities[].height", "pixels, even", wide(&of_origin::HEIGHT_PIXELS), Is("720"),
        "Down the picture, whose shape stays."),
    number("origin.streams[].ingest.qualities[].videoKbps", "kbit/s", wide(&of_origin::VIDEO_KBPS), Is("2500"),
        "Of the picture; sound that is encoded adds 96."),
    section("origin.streams[].push", Off,
        "What an encoder sends over HTTP: `PUT` and `DELETE` of playlists and segments below `/push/<name>/`."),
    text("origin.streams[].push.token", "text", "16 to 256 of letters, digits, `-`, `.`, `_` and `~`",
        Needed(r#""correct-horse-battery""#),
        "What the encoder shows: as `Authorization: Bearer <token>`, as the password of HTTP Basic, or as `?token=<token>`."),
    text("origin.streams[].push.playlist", "path", "ends in `.m3u8`", Is(r#""index.m3u8""#),
        "The encoder's main playlist: the one that lists the qualities, or the segments of the only one."),
    number("origin.streams[].push.heldBytes", "bytes", wide(&of_origin::PUSH_HELD_BYTES), Is("67108864"),
        "Of files that are coming, or have come and are not named yet. Beyond it an upload gets 507."),
    text("origin.streams[].push.folder", "folder", "", Unset("memory", r#""/var/lib/origin/tv""#),
        "Holds them on a disk instead. It is made when missing; the files in it have no names."),
    section("origin.streams[].dir", Off,
        "A folder that some packager fills with HLS."),
    text("origin.streams[].dir.folder", "folder", "", Needed(r#""/srv/packager/tv""#),
        "It may come and go. Nothing in it is changed, and no link in it is followed."),
    text("origin.streams[].dir.playlist", "path", "ends in `.m3u8`", Is(r#""index.m3u8""#),
        "The packager's main playlist: the one that lists the qualities, or the segments of the only one."),
    section("origin.streams[].upstream", Off,
        "Another origin's stream, HLS or DASH: each segment is taken once, however many ask. Tracks \
         that nobody plays are not taken."),
    text("origin.streams[].upstream.url", "URL", "http or https, of an HLS playlist or a DASH manifest",
        Needed(r#""https://origin.example.org/live/tv/index.m3u8""#),
        "Where it is. A name and a password in it are sent as HTTP wants them, and never logged."),
    text("origin.streams[].upstream.headers", "list of headers", "up to 16", Is("[]"),
        "Sent along to that host alone, and never logged: `\"Authorization: Bearer ...\"`."),
    section("origin.streams[].fallback", Off,
        "Other streams: the first that delivers is on air, and an offline slate when none does."),
    text("origin.streams[].fallback.streams", "list of names", "1 to 8 streams that are no fallbacks",
        Needed(r#"["camera", "backup"]"#), "Best first."),
];

/// The origin keeps its bounds as what its file may hold, which is signed.
const fn wide(bounds: &RangeInclusive<i64>) -> RangeInclusive<u64> {
    RangeInclusive::new(*bounds.start() as u64, *bounds.end() as u64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use std::collections::{BTreeMap, HashSet};

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::super::kinds::Section;
    use super::super::path::Path;
    use super::super::print;
    use super::super::raw::RawConfig;
    use super::*;

    /// What a row says of the value: its default, or else its example.
    fn value(key: &Key) -> Value {
        match key.default {
            Is(text) | Unset(_, text) | Needed(text) => serde_json::from_str(text).expect(text),
            On | Off => json!({}),
        }
    }

    /// A configuration with the rows that are `meant`, as it is read and would be written.
    fn written(meant: impl Fn(&Key) -> bool) -> Value {
        let mut tree = json!({});
        for key in KEYS.iter().filter(|key| meant(key)) {
            let path = Path::parse(&key.path.replace("[]", "[0]")).expect(key.path);
            path.set(&mut tree, value(key)).expect(key.path);
        }
        let mut unknown = Vec::new();
        let note = |key: serde_ignored::Path<'_>| unknown.push(key.to_string());
        let read = serde_ignored::deserialize::<_, _, Section<RawConfig>>(&tree, note);
        let Section(raw) = read.expect("values of the right kind");
        assert_eq!(unknown, [] as [String; 0], "rows without a key");
        raw.written()
    }

    /// The keys and sections of a configuration by their path.
    fn flat(tree: &Value) -> BTreeMap<String, Value> {
        fn add(path: &str, value: &Value, all: &mut BTreeMap<String, Value>) {
            match value {
                Value::Object(section) => {
                    all.insert(path.to_owned(), json!({}));
                    for (name, value) in section {
                        let dot = if path.is_empty() { "" } else { "." };
                        add(&format!("{path}{dot}{name}"), value, all);
                    }
                }
                Value::Array(list) if list.iter().any(Value::is_object) => {
                    for value in list {
                        add(&format!("{path}[]"), value, all);
                    }
                }
                value => drop(all.insert(path.to_owned(), value.clone())),
            }
        }
        let mut all = BTreeMap::new();
        add("", tree, &mut all);
        all.remove("");
        all
    }

    #[test]
    fn each_key_has_one_row_and_each_row_a_key() {
        let keys = flat(&written(|_| true));
        let rows: HashSet<_> = KEYS.iter().map(|key| key.path).collect();
        assert_eq!(rows.len(), KEYS.len(), "a row is there twice");
        for key in keys.keys() {
            assert!(rows.contains(key.as_str()), "no row of {key}");
        }
        assert_eq!(keys.len(), rows.len());
    }

    #[test]
    fn each_row_says_the_default() {
        let without_anything = flat(&RawConfig::default().written());
        let is_on = |key: &Key| without_anything.get(key.path).is_some_and(Value::is_object);
        let defaults = flat(&written(|key| key.is_section() || matches!(key.default, Needed(_))));
        for key in KEYS {
            let default = &defaults[key.path];
            match key.default {
                Off => assert!(!is_on(key), "{}", key.path),
                On => assert!(is_on(key) || key.path.starts_with("origin."), "{}", key.path),
                Unset(..) => assert!(default.is_null(), "{}", key.path),
                Is(_) | Needed(_) => assert_eq!(default, &value(key), "{}", key.path),
            }
        }
    }

    #[test]
    fn each_row_says_what_its_key_is_and_comes_where_toml_wants_it() {
        let mut sections = HashSet::from([""]);
        for key in KEYS {
            assert!(key.about.len() > 8 && key.about.ends_with('.'), "{}", key.path);
            assert!(!key.unit.is_empty(), "{}", key.path);
            assert!(sections.contains(key.section()), "{} before its section", key.path);
            if key.is_section() {
                sections.insert(key.path);
            }
        }
    }

    #[test]
    fn what_is_commented_out_can_be_uncommented() {
        let page = print::toml(&RawConfig::default().written());
        let is_key = |line: &str| line.strip_prefix('#').is_some_and(|rest| !rest.starts_with(' '));
        let lines = page.lines().map(|line| if is_key(line) { &line[1..] } else { line });
        let page: String = lines.flat_map(|line| [line, "\n"]).collect();
        let raw = RawConfig::deserialize(toml::Deserializer::parse(&page).expect(&page));
        assert_eq!(flat(&raw.expect(&page).written()), flat(&written(|_| true)));
    }
}
