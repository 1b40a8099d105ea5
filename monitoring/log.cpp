#include "monitoring/log.hpp"

#include <fmt/chrono.h>
#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace signet::monitoring {
namespace {

constexpr std::size_t kQueuedLines = 8192;

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& into) override {
    const auto level = spdlog::level::to_string_view(message.level);
    const std::string line =
        json_line(std::chrono::floor<std::chrono::milliseconds>(message.time),
                  {level.data(), level.size()}, {message.payload.data(), message.payload.size()});
    into.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

}  // namespace

std::string json_line(WallTime time, std::string_view level, std::string_view message) {
  using nlohmann::ordered_json;
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const ordered_json line{
      {"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", whole, (time - whole).count())},
      {"level", level},
      {"message", message}};
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

void set_up_log(std::string_view level) {
  spdlog::init_thread_pool(kQueuedLines, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger =
      std::make_shared<spdlog::async_logger>("signet", std::move(sink), spdlog::thread_pool(),
                                             spdlog::async_overflow_policy::overrun_oldest);
  logger->set_formatter(std::make_unique<JsonFormatter>());
  spdlog::set_default_logger(std::move(logger));
  set_log_level(level);
}

void set_log_level(std::string_view level) {
  const auto known = spdlog::level::from_str(std::string(level));
  spdlog::set_level(known == spdlog::level::off ? spdlog::level::info : known);
}

void shut_down_log() { spdlog::shutdown(); }

std::uint64_t dropped_log_lines() {
  const auto pool = spdlog::thread_pool();
  return pool ? pool->overrun_counter() : 0;
}

}  // namespace signet::monitoring
