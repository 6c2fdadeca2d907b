//! The dispatch function on a free port, which it prints. Arguments are host overrides, `HOST=ADDR`.

use std::net::{Ipv4Addr, SocketAddr};

use sigpost_runtime::serve;
use sigpost_runtime::telemetry::{self, LogFormat};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut config = dispatch::Config::from_env()?;
    let overrides = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    config.address_policy = config.address_policy.with_overrides(overrides);
    telemetry::init(LogFormat::from_env())?;

    let listener = serve::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let app = dispatch::App::start(config).await?;
    let terminated = serve::terminated();
    println!("{}", listener.local_addr()?);
    let served = serve::serve_on(listener, app.router(), terminated).await;
    app.shutdown().await;
    served
}
