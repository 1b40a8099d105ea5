#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "keys/domain_store.hpp"
#include "keys/key_set.hpp"
#include "keys/secret_file.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;

Failure refuse(const fs::path& file, std::string_view why) {
  return fail(Fault::key_unavailable, file.string() + ": " + std::string(why));
}

std::string default_selector(WallTime now) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  char text[16];
  std::snprintf(text, sizeof text, "s%04d%02u%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return text;
}

Result<void> make_directory(const fs::path& directory) {
  if (mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return refuse(directory, std::strerror(errno));
}

Result<void> write_all(int fd, const fs::path& file, std::string_view text) {
  while (!text.empty()) {
    const auto count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refuse(file, std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (fsync(fd) != 0) return refuse(file, std::strerror(errno));
  return {};
}

enum class Existing { replaced, kept };

// The file is there whole or not at all, also after a power cut. False: it was there and is kept.
Result<bool> write_file(int directory, const fs::path& file, std::string_view text,
                        Existing existing) {
  const auto name = file.filename().string();
  const auto draft = "." + name + "." + std::to_string(getpid());
  unlinkat(directory, draft.c_str(), 0);
  const Descriptor fd(
      openat(directory, draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.is_open()) return refuse(file, std::strerror(errno));
  const auto written = write_all(fd.get(), file, text);
  int status = -1;
  if (written)
    status = existing == Existing::kept
                 ? linkat(directory, draft.c_str(), directory, name.c_str(), 0)
                 : renameat(directory, draft.c_str(), directory, name.c_str());
  const int error = errno;
  unlinkat(directory, draft.c_str(), 0);
  if (!written) return written.failure();
  if (status != 0 && error == EEXIST) return false;
  if (status != 0) return refuse(file, std::strerror(error));
  fsync(directory);
  return true;
}

std::vector<std::string> selectors_in(const fs::path& folder) {
  std::vector<std::string> selectors;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(folder, error))
    if (file.path().extension() == ".pem" && is_selector(file.path().stem().string()))
      selectors.push_back(file.path().stem().string());
  return selectors;
}

// Before a second key appears there must be a keyset: two keys without one are an error.
Result<void> enter_key_set(int directory, const fs::path& folder, const std::string& selector) {
  std::vector<KeyEntry> entries;
  const auto text = read_file(folder, "keyset.toml", FileRule::settings);
  if (text) {
    auto parsed = parse_key_set(text->view());
    if (!parsed) return refuse(folder / "keyset.toml", parsed.error().detail);
    entries = std::move(*parsed);
    if (std::ranges::find(entries, selector, &KeyEntry::selector) != entries.end()) return {};
  } else if (text.error().fault != Fault::not_found) {
    return text.failure();
  } else {
    for (auto& known : selectors_in(folder))
      entries.push_back({std::move(known), KeyState::active, false});
    if (entries.empty()) return {};
    if (entries.size() > 1) return refuse(folder, "several keys and no keyset.toml");
  }
  entries.push_back({selector, KeyState::generated, false});
  const auto written =
      write_file(directory, folder / "keyset.toml", format_key_set(entries), Existing::replaced);
  return written ? Result<void>() : Result<void>(written.failure());
}

}  // namespace

Result<SigningKey> create_key(const fs::path& store, const Domain& domain, std::string selector,
                              Algorithm algorithm, WallTime now) {
  if (selector.empty()) selector = default_selector(now);
  if (!is_selector(selector)) return fail(Fault::bad_parameter, "bad selector: " + selector);
  const auto folder = store / domain.text();
  const auto file = folder / (selector + ".pem");
  for (const auto& directory : {store, folder})
    if (const auto made = make_directory(directory); !made) return made.failure();
  const auto directory = open_beneath(store, domain.text(), O_DIRECTORY);
  if (!directory) return directory.failure();
  flock(directory->get(), LOCK_EX);  // Against another `keys new`; let go when closed.

  if (faccessat(directory->get(), file.filename().c_str(), F_OK, 0) != 0) {
    if (algorithm == Algorithm::ed25519 && selectors_in(folder).empty())
      return fail(Fault::bad_parameter,
                  "an Ed25519 key signs only beside an RSA key: make that first");
    auto key = PrivateKey::generate(algorithm);
    if (!key) return key.failure();
    if (const auto entered = enter_key_set(directory->get(), folder, selector); !entered)
      return entered.failure();
    auto pem = key->to_pem();
    const auto written = write_file(directory->get(), file, pem, Existing::kept);
    OPENSSL_cleanse(pem.data(), pem.size());
    if (!written) return written.failure();
  }
  auto key = PrivateKey::load(store, fs::path(domain.text()) / (selector + ".pem"), true);
  if (!key) return key.failure();
  return SigningKey{std::move(selector), std::move(*key)};
}

}  // namespace signet::keys
