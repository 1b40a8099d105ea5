#include "keys/key_folder.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "keys/base64.hpp"
#include "keys/key_moves.hpp"
#include "relay/base/file_owner.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNames = 1000;
constexpr std::chrono::seconds kLockWait(10);
constexpr std::chrono::milliseconds kLockPoll(20);

Failure refuse(const fs::path& file, std::string_view why) {
  return fail(Fault::key_unavailable, file.string() + ": " + std::string(why));
}

Result<void> make_directory(const fs::path& directory) {
  if (mkdir(directory.c_str(), 0700) == 0) {
    const auto parent = directory.parent_path();
    const Descriptor above(open(parent.empty() ? "." : parent.c_str(), O_PATH | O_CLOEXEC));
    const Descriptor made(open(directory.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (give_to_owner_of(above.get(), made.get())) return {};
  }
  if (errno == EEXIST) return {};
  if (errno == EROFS || errno == EACCES)
    return fail(Fault::store_read_only, directory.string() + ": " + std::strerror(errno));
  return refuse(directory, std::strerror(errno));
}

Result<void> lock(int directory, const fs::path& folder) {
  const auto deadline = std::chrono::steady_clock::now() + kLockWait;
  while (flock(directory, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return refuse(folder, std::strerror(errno));
    if (std::chrono::steady_clock::now() > deadline)
      return refuse(folder, "another signet has held the lock for 10 s: try again");
    std::this_thread::sleep_for(kLockPoll);
  }
  return {};
}

Result<KeySet> find_lone_key(const StoreAccess& store, const Domain& domain) {
  const auto folder = store.directory / domain.text();
  const auto selectors = selectors_in(folder);
  if (!selectors) return selectors.failure();
  if (selectors->empty()) return fail(Fault::not_found, folder.string() + ": no key");
  if (selectors->size() > 1) return refuse(folder, "several keys and no keyset.toml");
  const auto name = selectors->front() + ".pem";
  const auto key =
      PrivateKey::load(store.directory, fs::path(domain.text()) / name, store.allow_group);
  if (!key) return key.failure();
  struct stat status{};
  if (stat((folder / name).c_str(), &status) != 0) return refuse(folder / name, "vanished");
  return KeySet{{.selector = selectors->front(),
                 .state = KeyState::active,
                 .algorithm = key->algorithm(),
                 .fingerprint = fingerprint_of(*key),
                 .moves = {{.to = KeyState::active,
                            .at = WallTime(std::chrono::seconds(status.st_mtim.tv_sec)),
                            .reason = "the only key, found without a keyset",
                            .by = ""}}}};
}

}  // namespace

Result<std::vector<std::string>> selectors_in(const fs::path& folder) {
  std::vector<std::string> selectors;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto& file = at->path();
    if (file.extension() != ".pem" || !is_selector(file.stem().string())) continue;
    if (selectors.size() == kMaxNames) return refuse(folder, "over 1,000 keys");
    selectors.push_back(file.stem().string());
  }
  if (error) return refuse(folder, error.message());
  std::ranges::sort(selectors);
  return selectors;
}

std::string fingerprint_of(const PrivateKey& key) {
  const auto octets = decode_base64(key.public_base64()).value_or("");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(octets.data(), octets.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    std::abort();
  return "SHA256:" + encode_base64({reinterpret_cast<const char*>(digest.data()), size});
}

Result<Descriptor> open_folder(const fs::path& store, const Domain& domain) {
  const auto folder = store / domain.text();
  std::error_code error;
  if (fs::is_symlink(folder, error)) {
    const auto real = fs::canonical(folder, error);
    if (!error && real.filename() != domain.text())
      return refuse(folder, "is a link to " + real.filename().string() +
                                ": a domain needs a folder of its own name, and keys of its own");
  }
  return open_beneath(store, domain.text(), O_DIRECTORY);
}

Result<KeySet> read_key_set(const StoreAccess& store, const Domain& domain) {
  const auto folder = open_folder(store.directory, domain);
  if (!folder) return folder.failure();
  const auto file = fs::path(domain.text()) / "keyset.toml";
  const auto text = read_file(store.directory, file, FileRule::settings);
  if (!text && text.error().fault == Fault::not_found) return find_lone_key(store, domain);
  if (!text) return text.failure();
  auto keys = parse_key_set(text->view());
  if (!keys) return refuse(store.directory / file, keys.error().detail);
  return keys;
}

Result<DomainRules> read_domain_rules(const StoreAccess& store, const Domain& domain) {
  const auto file = fs::path(domain.text()) / "domain.toml";
  const auto text = read_file(store.directory, file, FileRule::settings);
  if (!text && text.error().fault == Fault::not_found) return DomainRules{};
  if (!text) return text.failure();
  auto rules = parse_domain_rules(text->view());
  if (!rules) return refuse(store.directory / file, rules.error().detail);
  return rules;
}

Result<KeyFolder> KeyFolder::open(StoreAccess store, const Domain& domain, bool make) {
  const auto folder = store.directory / domain.text();
  if (make) {
    for (const auto& directory : {store.directory, folder})
      if (const auto made = make_directory(directory); !made) return made.failure();
  }
  auto directory = open_folder(store.directory, domain);
  if (!directory) return directory.failure();
  if (const auto locked = lock(directory->get(), folder); !locked) return locked.failure();
  return KeyFolder(std::move(store), domain, std::move(*directory));
}

Result<KeySet> KeyFolder::read() const {
  auto keys = read_key_set(store_, domain_);
  if (!keys && keys.error().fault == Fault::not_found) return KeySet{};
  return keys;
}

Result<std::string> KeyFolder::format(const KeySet& keys) const {
  if (keys.size() > kMaxKeys)
    return fail(Fault::key_state_wrong,
                domain_.text() + " has 100 keys: revoke some and remove them first");
  KeySet kept = keys;
  auto text = format_key_set(kept);
  while (text.size() > kMaxStoreFile && forget_move(kept)) text = format_key_set(kept);
  if (text.size() > kMaxStoreFile)
    return fail(Fault::key_state_wrong, domain_.text() + ": keyset.toml would be over 64 KiB: " +
                                            "revoke some keys and remove them first");
  if (const auto read = parse_key_set(text); !read)
    return fail(Fault::key_state_wrong,
                domain_.text() + ": keyset.toml could not be read again: " + read.error().detail);
  return text;
}

Result<void> KeyFolder::accepts(const KeySet& keys) const {
  const auto text = format(keys);
  return text ? Result<void>() : Result<void>(text.failure());
}

Result<void> KeyFolder::write(const KeySet& keys) {
  const auto text = format(keys);
  if (!text) return text.failure();
  const auto written = write_durably(directory_.get(), path() / "keyset.toml", *text,
                                     Existing::replaced, store_.observer);
  return written ? Result<void>() : Result<void>(written.failure());
}

bool KeyFolder::has_private_key(const std::string& selector) const {
  return faccessat(directory_.get(), (selector + ".pem").c_str(), F_OK, 0) == 0;
}

Result<PrivateKey> KeyFolder::private_key(const std::string& selector) const {
  return PrivateKey::load(store_.directory, fs::path(domain_.text()) / (selector + ".pem"),
                          store_.allow_group);
}

Result<bool> KeyFolder::write_private_key(const std::string& selector, const PrivateKey& key) {
  const auto pem = key.to_pem();
  return write_durably(directory_.get(), path() / (selector + ".pem"), pem.view(), Existing::kept,
                       store_.observer);
}

void KeyFolder::drop_if_empty() { static_cast<void>(rmdir(path().c_str())); }

Result<void> KeyFolder::destroy_private_key(const std::string& selector) {
  return destroy_durably(directory_.get(), path() / (selector + ".pem"), store_.observer);
}

}  // namespace signet::keys
