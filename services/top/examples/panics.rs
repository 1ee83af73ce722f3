//! Takes the terminal and panics: for the test that looks at what is left of
//! the terminal then. With `thread`, another thread panics.

use top::draw::Look;
use top::frame::Frame;
use top::screen::Screen;
use top::view::View;

fn main() -> anyhow::Result<()> {
    let mut screen = Screen::open()?;
    screen.draw(&Frame::default(), &View::default(), Look { color: true })?;
    if std::env::args().nth(1).as_deref() == Some("thread") {
        let ended = std::thread::spawn(|| panic!("this was to be")).join();
        anyhow::ensure!(ended.is_ok(), "the thread panicked");
    }
    panic!("this was to be")
}
