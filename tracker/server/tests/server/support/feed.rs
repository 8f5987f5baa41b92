//! The dashboard's feed as a dashboard reads it.

use serde_json::{Value, json};
use tungstenite::Message;

use super::{Client, PATIENCE, Server};

pub const FEED: &str = "/dashboard/feed";

/// A tracker whose dashboard is for this machine.
pub fn here() -> Server {
    Server::with(&json!({"dashboard": {}}))
}

/// A feed as a dashboard reads it.
pub struct Feed {
    pub client: Client,
    pub hello: Value,
    /// Of each column, from the oldest to the newest.
    pub history: Vec<Vec<f32>>,
    pub tick: Value,
    pub survey: Value,
}

impl Feed {
    pub fn open(server: &Server, headers: &[(&'static str, &str)]) -> Result<Self, String> {
        Client::try_with_headers(server.address(), FEED, headers).map(Self::on)
    }

    pub fn on(mut client: Client) -> Self {
        let hello = client.hear();
        assert_eq!(hello["kind"], "hello", "{hello}");
        let Ok(Message::Binary(bytes)) = client.socket.read() else {
            panic!("no history");
        };
        let rows = hello["rows"].as_u64().expect("a number") as usize;
        let columns = hello["columns"].as_array().expect("a list").len();
        assert_eq!(bytes.len(), rows * columns * 4);
        let (numbers, _) = bytes.as_chunks();
        let numbers: Vec<_> = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
        let history = numbers.chunks(rows.max(1)).map(<[f32]>::to_vec).collect();
        let mut feed = Self { client, hello, history, tick: Value::Null, survey: Value::Null };
        feed.tick();
        feed
    }

    /// The next tick; a survey before it is kept.
    pub fn tick(&mut self) -> &Value {
        loop {
            let heard = self.client.hear();
            match heard["kind"].as_str() {
                Some("tick") => {
                    self.tick = heard;
                    return &self.tick;
                }
                Some("survey") => self.survey = heard,
                _ => panic!("{heard}"),
            }
        }
    }

    pub fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE.as_secs() {
            if wanted(self) {
                return;
            }
            self.tick();
        }
        panic!("not {what}: {} {}", self.tick, self.survey);
    }

    pub fn place(&self, column: &str) -> usize {
        let columns = self.hello["columns"].as_array().expect("a list");
        columns.iter().position(|name| name == column).expect(column)
    }

    /// A figure of the last tick.
    pub fn now(&self, column: &str) -> f64 {
        self.tick["row"][self.place(column)].as_f64().unwrap_or(f64::NAN)
    }

    /// How often something was refused or ended for one reason, since the start.
    pub fn counted(&self, table: &str, reason: &str) -> u64 {
        let rows = self.tick[table].as_array().expect("a table");
        let row = rows.iter().find(|row| row["reason"] == reason);
        row.map_or(0, |row| row["total"].as_u64().expect("a number"))
    }
}
