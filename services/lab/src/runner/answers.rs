//! Whether servers answer right: the load generator reads bodies and throws them
//! away, so the runner asks each replica itself, after the sample.

use super::Runner;
use crate::labs::driven::Question;
use crate::station::http;
use measure::serving::raw;
use std::collections::BTreeMap;

impl Runner<'_> {
    /// How many answers were looked at and how many of them were wrong, as raw
    /// figures; none where nobody could be asked.
    pub(super) async fn look_at_answers(
        &self,
        station: &str,
        question: Question,
    ) -> BTreeMap<String, f64> {
        let (mut asked, mut wrong) = (0.0, 0.0);
        let urls = self.stations.served(station).await.unwrap_or_default();
        for url in urls {
            let authority = url.trim_start_matches("http://").trim_end_matches('/');
            let Ok(addresses) = tokio::net::lookup_host(authority).await else {
                continue;
            };
            for address in addresses {
                let path = format!("/?work={}", question.work);
                let answer = http::answer_of(address, &path).await;
                asked += 1.0;
                let right = answer.is_ok_and(|a| a["result"].as_u64() == Some(question.result));
                wrong += f64::from(u8::from(!right));
            }
        }
        if asked == 0.0 {
            return BTreeMap::new();
        }
        BTreeMap::from([
            (raw::LOOKED_AT.to_owned(), asked),
            (raw::WRONG.to_owned(), wrong),
        ])
    }
}
