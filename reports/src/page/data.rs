//! What a page's script draws from, as JSON: the story in short arrays, since there may be many of them.

use serde_json::{Value, json};
use squall_sim::text::visible;
use squall_sim::trace::OpId;

use crate::story::{Band, BandKind, Datagram, Shown, Story};

/// Bytes of each payload that a page shows.
const PAYLOAD: usize = 32;

/// The story as JSON that can stand inside of a script element. `difference` is the row to mark as the
/// first one that another trace does not have.
pub(super) fn json(story: &Story<'_>, difference: Option<usize>) -> String {
    let ops: Vec<OpId> = story.operations.keys().copied().collect();
    let op = |op: Option<OpId>| op.and_then(|op| ops.binary_search(&op).ok());
    let hosts = story.columns.iter().map(|host| visible(story.trace.host(*host)));
    let rows = story.rows.iter().map(|row| {
        let mut all = vec![json!(row.at)];
        match &row.what {
            Shown::Sent(datagram) => all.extend([json!(0), json!(datagram)]),
            Shown::Ended { datagram, end } => {
                all.extend([json!(1), json!(datagram), json!(end)]);
            }
            Shown::Point { host, text, tone, step } => {
                let step = step.map_or("", |step| step.name());
                let column = story.column(*host);
                all.extend([json!(2), json!(column), json!(text), json!(tone.name()), json!(step)]);
            }
            Shown::Across(text) => all.extend([json!(3), json!(text)]),
        }
        // The operation stands in front of what the row shows.
        all.insert(1, json!(op(row.op)));
        Value::Array(all)
    });
    let operations = story.operations.iter().map(|(id, op)| {
        let last = op.last.map_or("", |step| step.name());
        let name = visible(&story.trace.operation(*id));
        json!([name, op.executions, last, op.invoked_at, op.ended_at, op.rows])
    });
    let data = json!({
        "hosts": hosts.collect::<Vec<_>>(),
        "lookAt": story.look_at,
        "difference": difference,
        "rows": rows.collect::<Vec<_>>(),
        "datagrams": story.datagrams.iter().map(|one| datagram(story, one)).collect::<Vec<_>>(),
        "operations": operations.collect::<Vec<_>>(),
        "bands": story.bands.iter().map(|one| band(story, one)).collect::<Vec<_>>(),
    });
    // JSON can hold this character in strings alone, and nothing else could end the script element.
    data.to_string().replace('<', "\\u003c")
}

fn datagram(story: &Story<'_>, datagram: &Datagram) -> Value {
    let Datagram { id, from, to, short, dissection, payload, row, marks, ends, .. } = datagram;
    let kind = dissection.as_ref().map_or("other", |all| all.kind);
    let fields = dissection.iter().flat_map(|all| &all.fields);
    // As text: a script's numbers have 53 bits.
    let fields: Vec<Value> = fields.map(|(name, value)| json!([name, value.to_string()])).collect();
    let marks: Vec<Value> = marks.iter().map(|one| json!([one.kind.name(), one.text])).collect();
    let ends = ends.iter().map(|end| match &end.dropped {
        None => json!([end.row, end.copy]),
        Some(dropped) => {
            json!([end.row, end.copy, dropped.reason, u8::from(dropped.on_the_way)])
        }
    });
    let start: String = payload.iter().take(PAYLOAD).map(|byte| format!("{byte:02x}")).collect();
    json!([
        id,
        row,
        story.column(from.host),
        story.column(to.host),
        from.port,
        to.port,
        short,
        visible(kind),
        fields,
        payload.len(),
        start,
        marks,
        ends.collect::<Vec<_>>(),
    ])
}

fn band(story: &Story<'_>, band: &Band) -> Value {
    let column = |host| vec![(story.column(host), story.column(host))];
    let (kind, spans) = match &band.kind {
        BandKind::Fault(_, hosts) => ("fault", story.spans(hosts)),
        BandKind::Down(host) => ("down", column(*host)),
        BandKind::Paused(host) => ("paused", column(*host)),
        BandKind::Incarnation(host) => ("incarnation", column(*host)),
    };
    json!([kind, band.first, band.end, spans, band.text])
}
