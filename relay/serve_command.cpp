#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>

#include <cstdio>

#include "config/reader.hpp"
#include "monitoring/log.hpp"
#include "relay/commands.hpp"
#include "relay/relay.hpp"
#include "relay/snapshot.hpp"

namespace signet::commands {

std::shared_ptr<const config::Settings> load_or_complain(const std::filesystem::path& file) {
  const config::Loaded loaded = config::load(file);
  for (const auto& warning : loaded.warnings)
    std::fprintf(stderr, "warning: %s\n", warning.to_string().c_str());
  for (const auto& problem : loaded.problems)
    std::fprintf(stderr, "%s\n", problem.to_string().c_str());
  return loaded.settings;
}

std::vector<std::string> complain_of_files(
    const std::filesystem::path& file, const std::shared_ptr<const config::Settings>& settings) {
  auto problems = unusable_files(settings);
  for (const std::string& problem : problems)
    std::fprintf(stderr, "%s: %s\n", file.c_str(), problem.c_str());
  return problems;
}

namespace {

// Arenas that shrink after each message grow again page by page with the next one.
void keep_memory_at_hand() {
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

std::string_view advice(const Error& error) {
  if (error.fault == Fault::spool_lossy) {
    return ". Save what is there with 'signet queue export DIR --spool SPOOL', then start with "
           "--accept-spool-loss";
  }
  const bool is_full = error.detail.find("No space left") != std::string::npos;
  return is_full ? ". Free some space where the spool is: nothing in it is lost" : "";
}

}  // namespace

int serve(const ServeOptions& options) {
  keep_memory_at_hand();
  auto settings = load_or_complain(options.config);
  if (!settings) return 2;
  prctl(PR_SET_DUMPABLE, 0);  // Private keys are in memory: no core, no ptrace by the same user.
  monitoring::set_up_log(settings->monitoring.log_level);
  auto relay = Relay::open({.settings = std::move(settings),
                            .config_file = options.config,
                            .accept_spool_loss = options.accept_spool_loss,
                            .announce = [](const std::string& line) {
                              std::printf("%s\n", line.c_str());
                              std::fflush(stdout);
                            }});
  if (!relay) {
    const Error& error = relay.error();
    spdlog::critical("can't start: {}{}", error.detail.empty() ? error.public_text() : error.detail,
                     advice(error));
    monitoring::shut_down_log();
    return 2;
  }
  const int status = (*relay)->run();
  relay->reset();
  monitoring::shut_down_log();
  return status;
}

}  // namespace signet::commands
