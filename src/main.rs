fn main() {
    let registry = squall::Registry::shipped();
    for path in std::env::args().skip(1) {
        let scenario = match registry.load(path.as_ref()) {
            Ok(s) => s,
            Err(e) => {
                eprintln!("{e}");
                continue;
            }
        };
        let outcome = registry
            .run(
                &scenario,
                squall::Settings {
                    keep_trace: true,
                    ..Default::default()
                },
            )
            .unwrap();
        let dissect = registry.protocol(scenario.protocol()).unwrap().dissect();
        let style = squall::reports::timeline::Style {
            width: 100,
            color: false,
            extent: squall::reports::timeline::Extent::Ends(80),
        };
        squall::reports::timeline::write(
            outcome.trace.as_ref().unwrap(),
            dissect,
            style,
            &mut std::io::stdout(),
        )
        .unwrap();
        println!("{}", outcome.to_json());
    }
}
