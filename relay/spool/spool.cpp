#include "relay/spool/spool.hpp"

#include "relay/spool/rocks_spool.hpp"
#include "relay/spool/testing.hpp"

namespace signet::spool {
namespace {

Result<std::unique_ptr<Spool>> as_spool(Result<std::unique_ptr<RocksSpool>> opened) {
  if (!opened) return opened.failure();
  return std::unique_ptr<Spool>(std::move(*opened));
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(Options options, const Clock& clock) {
  return as_spool(RocksSpool::open(std::move(options), clock, {}));
}

Result<std::unique_ptr<Spool>> open_on(std::shared_ptr<rocksdb::FileSystem> file_system,
                                       Options options, const Clock& clock) {
  return as_spool(RocksSpool::open(std::move(options), clock, std::move(file_system)));
}

void run_upkeep(Spool& spool) { dynamic_cast<RocksSpool&>(spool).run_upkeep(); }

}  // namespace signet::spool
