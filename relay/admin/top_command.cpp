// `signet top`: the running relay at a glance, again and again.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "config/quantity.hpp"
#include "relay/admin/control_commands.hpp"
#include "relay/admin/queue_client.hpp"
#include "relay/admin/relay_command.hpp"
#include "relay/admin/top_view.hpp"

namespace signet::admin {
namespace {

using std::chrono::system_clock;

/// Short: signals wait meanwhile, and a relay that hangs must not keep the view open.
constexpr std::chrono::seconds kPatience{2};

struct Options {
  RelayPlace place{.command = "top", .socket = {}};
  std::string every = "1s";
  bool once = false;
};

Result<MetricsReading> read(const std::filesystem::path& socket) {
  const auto answer = ask(socket, "GET", "/v1/metrics", "", kPatience);
  if (!answer) return answer.failure();
  if (answer->status != 200)
    return fail(Fault::bad_parameter, fmt::format("HTTP status {}", answer->status));
  MetricsReading reading{.samples = parse_exposition(answer->body)};
  const std::chrono::duration<double> now = system_clock::now().time_since_epoch();
  for (const Sample& sample : reading.samples) {
    if (sample.name == "process_start_time_seconds")
      reading.uptime = now - std::chrono::duration<double>(sample.value);
  }
  return reading;
}

int complain(const Error& error) {
  fmt::print(stderr, "signet top: {}\n", error.detail);
  return status_of(error);
}

int show_once(const std::filesystem::path& socket, bool as_json) {
  const auto reading = read(socket);
  if (!reading) return complain(reading.error());
  const TopView view = look_at(*reading, std::nullopt);
  if (as_json) {
    fmt::print("{}\n", to_json(view).dump());
    return 0;
  }
  const TerminalSize size{.columns = columns_of(STDOUT_FILENO), .rows = 0};
  for (const std::string& line : frame_of(view, size, shows_colours(STDOUT_FILENO)))
    fmt::print("{}\n", line);
  return 0;
}

/// The cursor, away while it lives; and the signals that end the view, kept for wait().
class Screen {
 public:
  Screen() {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) sigaddset(&signals_, signal);
    sigprocmask(SIG_BLOCK, &signals_, &before_);
    write("\x1b[?25l\x1b[2J");
  }
  ~Screen() {
    write("\x1b[?25h\n");
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  static void draw(const std::vector<std::string>& frame) {
    std::string text = "\x1b[H";
    for (std::size_t i = 0; i < frame.size(); ++i)
      text.append(i == 0 ? "" : "\r\n").append(frame[i]).append("\x1b[K");
    write(text + "\x1b[J");
  }
  /// False: somebody wants it to end. A change of size ends the wait early.
  [[nodiscard]] bool wait(std::chrono::milliseconds time) const {
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    const timespec limit{.tv_sec = whole.count(),
                         .tv_nsec = std::chrono::nanoseconds(time - whole).count()};
    const int signal = sigtimedwait(&signals_, nullptr, &limit);
    return signal < 0 || signal == SIGWINCH;
  }

 private:
  static void write(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }
  sigset_t signals_{};
  sigset_t before_{};
};

int show_again_and_again(const std::filesystem::path& socket, std::chrono::milliseconds every) {
  auto reading = read(socket);
  if (!reading) return complain(reading.error());  // Later it may be away for a while.
  std::optional<MetricsReading> before;
  const bool colours = shows_colours(STDOUT_FILENO);
  const Screen screen;
  for (;;) {
    if (reading) {
      Screen::draw(frame_of(look_at(*reading, before), size_of(STDOUT_FILENO), colours));
      before = std::move(*reading);
    } else {
      Screen::draw({fit(reading.error().detail, size_of(STDOUT_FILENO).columns)});
    }
    if (!screen.wait(every)) return 0;
    reading = read(socket);
  }
}

int show(const Options& options) {
  const auto every = config::parse_duration(options.every);
  if (!every || every->count() < 100)
    throw CLI::ValidationError("--every", "a time such as 2s, of 100ms or more");
  const auto socket = socket_of(options.place);
  if (socket.empty()) return kUnreachable;
  const bool is_live = !options.once && !options.place.as_json && takes_escapes(STDOUT_FILENO);
  return is_live ? show_again_and_again(socket, *every) : show_once(socket, options.place.as_json);
}

}  // namespace

void add_top_command(CLI::App& app, int& status) {
  auto* command = app.add_subcommand(
      "top", "Queue, rates, refusals and providers of the running relay, live; Ctrl-C ends it");
  auto options = std::make_shared<Options>();
  add_place(*command, options->place);
  command->add_option("--every", options->every, "How often it looks")->capture_default_str();
  command->add_flag("--once", options->once,
                    "Print one frame, with rates since the start, and end: as without a terminal, "
                    "or on one with TERM dumb or unset");
  command->callback([options, &status] { status = show(*options); });
}

}  // namespace signet::admin
