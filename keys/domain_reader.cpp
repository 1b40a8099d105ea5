#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "keys/key_folder.hpp"
#include "keys/key_set.hpp"
#include "keys/secret_file.hpp"
#include "keys/signing_domain.hpp"
#include "keys/stamped_domain.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kMinRsaBits = 2048;
constexpr std::size_t kMaxNames = 1000;
constexpr std::chrono::seconds kSettling(1);  // Longer than a tick of any file system's clock.

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

FileStamp stamp_of(const struct stat& status) {
  return {status.st_dev, status.st_ino,
          status.st_ctim.tv_sec * 1'000'000'000L + status.st_ctim.tv_nsec, status.st_size};
}

// Reads one domain; every file it looks at leaves a stamp.
class DomainReader {
 public:
  DomainReader(const fs::path& store, const Domain& domain, bool allow_group, WallTime now)
      : store_(store),
        now_(now),
        folder_(domain.text()),
        rule_(allow_group ? FileRule::group_secret : FileRule::secret),
        domain_(std::make_shared<SigningDomain>(SigningDomain{.name = domain, .keys = {}})) {}

  Result<std::shared_ptr<const SigningDomain>> read() {
    for (const auto step : {&DomainReader::read_names, &DomainReader::read_rules,
                            &DomainReader::read_key_set, &DomainReader::read_keys})
      if (const auto done = (this->*step)(); !done) return done.failure();
    return std::shared_ptr<const SigningDomain>(std::move(domain_));
  }

  DomainStamp take_stamp() {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const auto recent = (now - std::chrono::nanoseconds(kSettling)).count();
    stamp_.settled =
        !stamp_.files.empty() && std::ranges::none_of(stamp_.files, [&](const auto& file) {
          return file.second.changed_ns >= recent;
        });
    return std::move(stamp_);
  }

 private:
  [[nodiscard]] Failure refuse(std::string_view name, std::string_view why) const {
    return fail(Fault::key_unavailable,
                (store_ / folder_ / name).string() + ": " + std::string(why));
  }

  Result<void> read_names() {
    auto opened = open_folder(store_, domain_->name);
    if (!opened) return opened.failure();
    struct stat status{};
    if (fstat(opened->get(), &status) != 0) return refuse("", std::strerror(errno));
    stamp_.files.emplace_back(".", stamp_of(status));
    const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(opened->get()));
    if (!directory) return refuse("", std::strerror(errno));
    static_cast<void>(opened->release());
    while (const auto* entry = readdir(directory.get())) {
      const std::string_view name = entry->d_name;
      if (name.starts_with('.') || !name.ends_with(".pem")) continue;
      const auto selector = name.substr(0, name.size() - 4);
      if (!is_selector(selector)) {
        domain_->warnings.push_back("ignored, no selector: " + std::string(name));
        continue;
      }
      if (selectors_.size() == kMaxNames) return refuse("", "over 1,000 keys");
      selectors_.emplace_back(selector);
    }
    return {};
  }

  // Nothing where there is no such file.
  Result<std::optional<std::string>> read_settings(const std::string& name) {
    struct stat status{};
    const auto text = read_file(store_, folder_ / name, FileRule::settings, &status);
    if (text) {
      stamp_.files.emplace_back(name, stamp_of(status));
      return std::optional(std::string(text->view()));
    }
    if (text.error().fault == Fault::not_found) return std::optional<std::string>();
    return text.failure();
  }

  Result<void> read_rules() {
    const auto text = read_settings("domain.toml");
    if (!text) return text.failure();
    const auto rules = parse_domain_rules(text->value_or(""));
    if (!rules) return refuse("domain.toml", rules.error().detail);
    domain_->profile = rules->profile.value_or(Profile::standard);
    domain_->profile_given = rules->profile.has_value();
    domain_->alignment = rules->alignment;
    legacy_until_ = rules->legacy_until;
    return {};
  }

  Result<void> read_key_set() {
    const auto text = read_settings("keyset.toml");
    if (!text) return text.failure();
    if (!*text) {
      if (selectors_.empty())
        return fail(Fault::not_found, (store_ / folder_).string() + ": no key");
      if (selectors_.size() > 1) return refuse("", "several keys and no keyset.toml");
      entries_.push_back({.selector = selectors_.front(), .state = KeyState::active});
      return {};
    }
    auto entries = parse_key_set(**text);
    if (!entries) return refuse("keyset.toml", entries.error().detail);
    entries_ = std::move(*entries);
    return {};
  }

  Result<void> read_keys() {
    for (const auto& entry : entries_) {
      if (entry.state != KeyState::active) continue;
      auto key = read_key(entry);
      if (!key) return key.failure();
      add_active(std::move(*key));
    }
    const auto& active = domain_->keys;
    if (active.empty())
      return fail(Fault::no_active_key,
                  (store_ / folder_ / "keyset.toml").string() + ": no active key");
    // RFC 8463 support is rare: alone, it would be as good as unsigned.
    if (active.front().key.algorithm() != Algorithm::rsa)
      return refuse(active.front().selector + ".pem",
                    "an Ed25519 key signs only beside an RSA key");
    read_canaries();
    return {};
  }

  void add_active(SigningKey key) {
    auto& keys = domain_->keys;
    const auto is_other = [](const auto& other) { return other.key.algorithm() != Algorithm::rsa; };
    const bool is_rsa = key.key.algorithm() == Algorithm::rsa;
    keys.insert(is_rsa ? std::ranges::find_if(keys, is_other) : keys.end(), std::move(key));
  }

  // Without a canary the domain signs as before.
  void read_canaries() {
    for (const auto& entry : entries_) {
      if (entry.state != KeyState::canary) continue;
      if (auto key = read_key(entry))
        domain_->keys.push_back(std::move(*key));
      else
        domain_->warnings.push_back("canary left out: " + key.error().detail);
    }
  }

  Result<SigningKey> read_key(const KeyEntry& entry) {
    const auto name = entry.selector + ".pem";
    struct stat status{};
    const auto text = read_file(store_, folder_ / name, rule_, &status);
    if (!text) return fail(Fault::key_unavailable, text.error().detail);
    stamp_.files.emplace_back(name, stamp_of(status));
    auto key = PrivateKey::from_pem(text->view());
    if (!key) return refuse(name, key.error().detail);
    if (key->algorithm() == Algorithm::rsa && key->bits() < kMinRsaBits) {
      if (const auto allowed = allow_legacy(entry, name, key->bits()); !allowed)
        return allowed.failure();
    }
    if (key->bits() > kMinRsaBits && key->algorithm() == Algorithm::rsa)
      domain_->warnings.push_back(name + ": RSA of " + std::to_string(key->bits()) +
                                  " bits: its record may need TCP");
    if (!entry.fingerprint.empty() && entry.fingerprint != fingerprint_of(*key))
      return refuse(name, "is not the key that keyset.toml names by its fingerprint");
    return SigningKey{entry.selector, std::move(*key), entry.share};
  }

  // RFC 8301 3.2: shorter keys must not sign; who needs time to change gets it, with an end.
  Result<void> allow_legacy(const KeyEntry& entry, const std::string& name, unsigned bits) {
    const auto size = "RSA of " + std::to_string(bits) + " bits";
    const auto until = entry.legacy_until ? entry.legacy_until : legacy_until_;
    if (!until) return refuse(name, size + ": under 2048 and not marked legacy");
    if (now_ >= *until)
      return refuse(name, size + ": legacy ended on " + format_time(*until) +
                              ", replace it with 'signet keys new " + domain_->name.text() + "'");
    domain_->warnings.push_back(name + ": " + size + " (legacy until " + format_time(*until) + ")");
    stamp_.good_until = std::min(stamp_.good_until.value_or(WallTime::max()), *until);
    return {};
  }

  const fs::path& store_;
  const WallTime now_;
  fs::path folder_;
  FileRule rule_;
  std::optional<WallTime> legacy_until_;
  std::vector<std::string> selectors_;
  std::vector<KeyEntry> entries_;
  DomainStamp stamp_;
  std::shared_ptr<SigningDomain> domain_;
};

}  // namespace

std::span<const SigningKey> active_keys(const SigningDomain& domain) {
  const auto canary = std::ranges::find_if(
      domain.keys, [](const SigningKey& key) { return key.canary_share != 0; });
  return {domain.keys.begin(), canary};
}

std::vector<std::size_t> keys_for(const SigningDomain& domain, unsigned lot) {
  const auto takes = [lot](const SigningKey& key) { return lot < key.canary_share; };
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < domain.keys.size(); ++i) {
    const SigningKey& key = domain.keys[i];
    const bool signs =
        takes(key) ||
        (key.canary_share == 0 && std::ranges::none_of(domain.keys, [&](const SigningKey& other) {
           return takes(other) && other.key.algorithm() == key.key.algorithm();
         }));
    if (signs) chosen.push_back(i);
  }
  return chosen;
}

Result<std::shared_ptr<const SigningDomain>> read_domain(const fs::path& store,
                                                         const Domain& domain, bool allow_group,
                                                         WallTime now) {
  return DomainReader(store, domain, allow_group, now).read();
}

StampedDomain read_stamped(const fs::path& store, const Domain& domain, bool allow_group,
                           WallTime now) {
  DomainReader reader(store, domain, allow_group, now);
  auto read = reader.read();
  return {std::move(read), reader.take_stamp()};
}

bool is_unchanged(const fs::path& store, const Domain& domain, const DomainStamp& stamp,
                  WallTime now) {
  if (!stamp.settled || (stamp.good_until && now >= *stamp.good_until)) return false;
  const auto folder = store / domain.text();
  return std::ranges::all_of(stamp.files, [&](const auto& file) {
    struct stat status{};
    return stat((folder / file.first).c_str(), &status) == 0 && stamp_of(status) == file.second;
  });
}

}  // namespace signet::keys
