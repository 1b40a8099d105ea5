#include "keys/domain_store.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "keys/stamped_domain.hpp"

namespace signet::keys {
namespace {

using Answer = Result<std::shared_ptr<const SigningDomain>>;
using Done = std::move_only_function<void(Answer)>;

struct Entry {
  explicit Entry(Domain domain) : name(std::move(domain)) {}

  Domain name;
  Answer answer = fail(Fault::not_found);
  DomainStamp stamp;
  std::optional<SteadyTime> checked;  // Empty: never read.
  std::string reported;               // The last failure told, so that it is told once.
  bool reading = false;
  std::vector<Done> waiting;
};

}  // namespace

// Shared with the work on the pool, which may end after the store.
struct DomainStore::Impl : std::enable_shared_from_this<Impl> {
  Impl(Options settings, Executor& executor, const Clock& time)
      : options(std::move(settings)), pool(executor), clock(time) {}

  [[nodiscard]] bool is_fresh(const Entry& entry) const {
    return entry.checked && clock.steady() - *entry.checked < options.recheck;
  }

  // The entry, moved to the front of the list, or null. The lock is held.
  Entry* touch(std::string_view name) {
    const auto found = index.find(name);
    if (found == index.end()) return nullptr;
    entries.splice(entries.begin(), entries, found->second);
    return &entries.front();
  }

  std::optional<Answer> cached(const Domain& domain) {
    const std::lock_guard lock(mutex);
    const Entry* entry = touch(domain.text());
    if (entry == nullptr || !is_fresh(*entry)) return std::nullopt;
    return entry->answer;
  }

  // Calls `done` when the domain was looked at on the pool; one look serves all who wait.
  void look(const Domain& domain, Done done) {
    const std::lock_guard lock(mutex);
    Entry* entry = touch(domain.text());
    if (entry == nullptr) {
      entries.emplace_front(domain);
      entry = &entries.front();
      index.emplace(entry->name.text(), entries.begin());
    }
    entry->waiting.push_back(std::move(done));
    if (entry->reading) return;
    entry->reading = true;
    evict();
    pool.post([self = shared_from_this(), domain] { self->refresh(domain); });
  }

  // Entries that are being read stay, whatever the capacity. The lock is held.
  void evict() {
    auto at = entries.end();
    while (entries.size() > std::max<std::size_t>(options.capacity, 1) && at != entries.begin()) {
      --at;
      if (at->reading) continue;
      index.erase(at->name.text());
      at = entries.erase(at);
    }
  }

  void refresh(const Domain& domain) {
    if (is_still(domain)) {
      answer(domain, std::nullopt);
    } else {
      answer(domain, read_stamped(options.directory, domain, options.allow_group, clock.now()));
    }
  }

  bool is_still(const Domain& domain) {
    DomainStamp stamp;
    {
      const std::lock_guard lock(mutex);
      const auto& entry = *index.at(domain.text());
      if (!entry.answer) return false;
      stamp = entry.stamp;
    }
    return is_unchanged(options.directory, domain, stamp, clock.now());
  }

  // `read` is empty when nothing has changed.
  void answer(const Domain& domain, std::optional<StampedDomain> read) {
    std::vector<Done> waiting;
    std::optional<Error> failure;
    std::function<void(const Domain&, const Error&)> told;
    std::unique_lock lock(mutex);
    auto& entry = *index.at(domain.text());
    if (read) failure = take(entry, std::move(*read));
    entry.checked = clock.steady();
    entry.reading = false;
    waiting.swap(entry.waiting);
    const auto result = entry.answer;
    if (failure) told = observer;
    lock.unlock();
    if (told) told(domain, *failure);
    for (auto& done : waiting) done(result);
  }

  // The last good keys outlive a read that fails, but neither the domain's removal nor a keyset
  // that says none is active. Returns a failure that was not told yet.
  static std::optional<Error> take(Entry& entry, StampedDomain read) {
    const bool keeps =
        entry.answer && !read.domain && read.domain.error().fault == Fault::key_unavailable;
    if (!keeps) {
      entry.answer = std::move(read.domain);
      entry.stamp = std::move(read.stamp);
      entry.reported.clear();
      return std::nullopt;
    }
    entry.stamp.settled = false;
    if (entry.reported == read.domain.error().detail) return std::nullopt;
    entry.reported = read.domain.error().detail;
    return read.domain.error();
  }

  const Options options;
  Executor& pool;
  const Clock& clock;
  std::mutex mutex;
  std::list<Entry> entries;  // Most recently used first.
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index;  // Names live in entries.
  std::function<void(const Domain&, const Error&)> observer;
};

DomainStore::DomainStore(Options options, Executor& pool, const Clock& clock)
    : impl_(std::make_shared<Impl>(std::move(options), pool, clock)) {}

DomainStore::~DomainStore() = default;

net::Task<Answer> DomainStore::find(net::Loop& loop, Domain domain) {
  const auto impl = impl_;
  if (auto answer = impl->cached(domain)) co_return std::move(*answer);
  auto answer = co_await net::completion<Answer>(
      loop, [impl, domain](Done done) { impl->look(domain, std::move(done)); });
  co_return answer;
}

std::shared_ptr<const SigningDomain> DomainStore::peek(const Domain& domain) const {
  const auto answer = impl_->cached(domain);
  return answer && *answer ? **answer : nullptr;
}

bool DomainStore::used_within(const Domain& domain, std::chrono::seconds time) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->index.find(domain.text());
  return found != impl_->index.end() && found->second->checked &&
         impl_->clock.steady() - *found->second->checked < time;
}

void DomainStore::on_failure(std::function<void(const Domain&, const Error&)> observer) {
  const std::lock_guard lock(impl_->mutex);
  impl_->observer = std::move(observer);
}

Result<std::vector<Domain>> DomainStore::list() const {
  namespace fs = std::filesystem;
  const auto& directory = impl_->options.directory;
  std::error_code error;
  std::vector<Domain> domains;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    const auto name = at->path().filename().string();
    if (name.starts_with('.') || !at->is_directory(ignored)) continue;
    auto domain = Domain::parse(name);
    if (domain && domain->text() == name) domains.push_back(std::move(*domain));
  }
  if (error) return fail(Fault::key_unavailable, directory.string() + ": " + error.message());
  std::ranges::sort(domains);
  return domains;
}

}  // namespace signet::keys
