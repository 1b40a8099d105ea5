#include "relay/accept/password.hpp"

#include <crypt.h>
#include <string.h>

#include <array>
#include <memory>
#include <optional>

namespace signet::accept {
namespace {

// What crypt(3) leaves in its work area gives the password away.
struct WipeAndFree {
  void operator()(crypt_data* area) const {
    explicit_bzero(area, sizeof *area);
    std::default_delete<crypt_data>{}(area);
  }
};
using CryptArea = std::unique_ptr<crypt_data, WipeAndFree>;

std::optional<std::string> hash_with(const std::string& password, const std::string& setting) {
  if (password.contains('\0') || setting.empty()) return std::nullopt;
  const CryptArea area(std::make_unique<crypt_data>().release());
  const char* made = crypt_rn(password.c_str(), setting.c_str(), area.get(), sizeof(crypt_data));
  if (made == nullptr) return std::nullopt;
  return made;
}

bool is_equal_in_constant_time(std::string_view left, std::string_view right) {
  if (left.size() != right.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    difference |= static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(right[i]);
  }
  return difference == 0;
}

}  // namespace

bool check_password(const std::string& hash, const std::string& password) {
  const auto made = hash_with(password, hash);
  return made && is_equal_in_constant_time(*made, hash);
}

const std::string& hash_for_unknown_user() {
  // Of 32 random octets nobody kept.
  static const std::string kHash =
      "$y$j9T$Yzg18fDriuYzQw8Q3yBU3/$MHnKJZuKl8bC92okXmXvKTUuK8M78iKFREIRXwYeYX6";
  return kHash;
}

Result<std::string> make_password_hash(const std::string& password) {
  if (password.empty() || password.size() >= CRYPT_MAX_PASSPHRASE_SIZE || password.contains('\0')) {
    return fail(Fault::bad_parameter, "a password has 1 to 511 octets and no NUL");
  }
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  if (crypt_gensalt_rn("$y$", 0, nullptr, 0, setting.data(), static_cast<int>(setting.size())) ==
      nullptr) {
    return fail(Fault::local_error, "no salt: the system gave no random octets");
  }
  auto made = hash_with(password, setting.data());
  if (!made) return fail(Fault::local_error, "crypt(3) refused yescrypt");
  return std::move(*made);
}

}  // namespace signet::accept
