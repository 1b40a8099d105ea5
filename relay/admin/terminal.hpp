// What a terminal can show: its size, text cut to its width, and a bar for work that takes long.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace signet::admin {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
/// 80 by 24 where the terminal does not say.
[[nodiscard]] TerminalSize size_of(int descriptor);
/// 0: no terminal, so nothing is to be cut.
[[nodiscard]] std::size_t columns_of(int descriptor);
/// On a terminal, unless TERM is dumb, empty or unset: what it is given then should be plain text.
[[nodiscard]] bool takes_escapes(int descriptor);
/// Colours: where escapes are taken, unless NO_COLOR is set (no-color.org).
[[nodiscard]] bool shows_colours(int descriptor);

/// Each line of UTF-8 text cut to so many characters, the last then an ellipsis; 0: as it is.
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);

/// A bar on standard error while work goes on for longer than a second; nothing where escapes are
/// not taken.
class Progress {
 public:
  /// How the bar is shown; for tests.
  struct Place {
    std::size_t columns = 0;  ///< 0: no terminal that could show it.
    std::function<std::chrono::steady_clock::time_point()> now;
    std::function<void(const std::string&)> write;
  };
  /// `total` 0: not known.
  Progress(std::string what, std::uint64_t total);
  Progress(std::string what, std::uint64_t total, Place place);
  ~Progress();  ///< The line is empty again.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So much is done; `words` stand behind the bar.
  void reach(std::uint64_t done, std::string_view words = {});

 private:
  [[nodiscard]] std::string bar(std::uint64_t done, std::string_view words) const;

  std::string what_;
  std::uint64_t total_;
  Place place_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point drawn_;
  bool is_shown_ = false;
};

}  // namespace signet::admin
