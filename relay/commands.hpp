// The commands of the program that are not the relay itself. Each returns the exit status.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "relay/admin/explanations.hpp"
#include "relay/base/ip_address.hpp"

namespace CLI {
class App;
}

namespace signet::commands {

/// Has keys, and what OpenSSL makes of them, kept in secret memory. Before anything uses OpenSSL.
void protect_keys();

struct ServeOptions {
  std::filesystem::path config;
  bool accept_spool_loss = false;
};
/// Serves until SIGTERM. 2: the configuration or a resource is at fault, with the reason.
int serve(const ServeOptions& options);

/// 0: valid; 2: problems, one per line. Also signs a probe for a sample of the store's domains
/// (`all`: for each).
int check(const std::filesystem::path& config, bool all, bool json);

/// What a reload of `config` would change in the relay that runs, one line each. 0: told; 2: the
/// configuration is not valid, or the relay can't be reached.
int compare_with_running(const std::filesystem::path& config, const std::filesystem::path& socket,
                         bool as_json);

struct DemoOptions {
  bool once = false;
  std::filesystem::path directory;  ///< Empty: a new one below the system's temporary directory.
};
/// The whole job on loopback. With `once` 0 if every check held, else 1.
int demo(const DemoOptions& options);

/// Standard input to standard output. 1: the message can't be signed.
int sign(const std::filesystem::path& config);

/// One line per signature; 0 if at least one and all pass. `dns`: ask this server.
int verify(const std::optional<Endpoint>& dns, bool json);

struct DmarcOptions {
  std::string from;
  std::vector<std::string> spf;   ///< DOMAIN=RESULT
  std::vector<std::string> dkim;  ///< DOMAIN=RESULT
  std::optional<Endpoint> dns;    ///< Ask this server.
  bool json = false;
};
/// First word printed: pass, fail, none or temperror (RFC 9989 9.2). 0: pass or none; 64: usage.
int dmarc(const DmarcOptions& options);

struct SpfOptions {
  std::string ip;
  std::string mail_from;  ///< Empty or "<>": the null sender, checked as postmaster@HELO.
  std::string helo;
  std::string dns;  ///< Ask this name server: ADDRESS:PORT.
  bool json = false;
  bool explain = false;
};
/// The result of check_host() as the first word. 0: pass; 1: another result; 2: an option is wrong.
int spf(const SpfOptions& options);

struct ExplainOptions {
  std::filesystem::path config;
  admin::Hypothesis asked;
  bool json = false;
};
/// The fate of a message nobody has sent, by configuration, keys and DNS; needs no running relay.
/// 0: it would be accepted; 1: it would not; 2: configuration or resolver; 64: usage.
int explain(const ExplainOptions& options);

struct DoctorOptions {
  std::filesystem::path config;
  std::vector<std::string> domains;  ///< Empty: every domain that is configured.
  bool json = false;
};
/// One line for each thing looked at in the DNS. 0: nothing fails; 1: something fails or could not
/// be found out; 2: configuration, or a domain that is not configured.
int doctor(const DoctorOptions& options);

struct NewKeyOptions {
  std::filesystem::path config;
  std::filesystem::path store;
  std::string domain;
  std::string selector;
  std::string algorithm = "rsa";
  bool json = false;
};
/// Makes a key (or finds it made) and prints the DNS record.
int new_key(const NewKeyOptions& options);

enum class KeyVerb { list, show, publish, activate, rotate, retire, revoke };
struct KeyOrder {
  KeyVerb verb = KeyVerb::list;
  std::filesystem::path config;
  std::filesystem::path store;
  std::string domain;  ///< Empty: every domain of the store.
  std::string selector;
  bool unproven = false;  ///< activate without asking the DNS.
  bool dry_run = false;
  bool json = false;
};
/// 0: done, or done already; 1: no such key, or its state or the DNS forbids it; 2: configuration,
/// store or publisher.
int order_key(const KeyOrder& order);

struct ImportOrder {
  std::string source;  ///< "opendkim", "rspamd" or "pem".
  std::filesystem::path file;
  std::filesystem::path config;
  std::filesystem::path store;
  std::vector<std::string> domains;  ///< Author domains that patterns are tried on; of the PEM.
  std::string selector;              ///< Of the PEM.
  std::filesystem::path zone;        ///< Where the PEM's record is.
  std::string legacy_until;          ///< For RSA keys below 2048 bits.
  bool partial = false;
  bool dry_run = false;
  bool json = false;
};
/// Says what would sign what, and unless dry_run takes the keys. 0: all of it, or done already; 1:
/// something is refused, and without `partial` nothing is taken; 2: as order_key().
int import_keys(const ImportOrder& order);

struct ExportOrder {
  std::string format;  ///< "opendkim" or "rspamd".
  std::filesystem::path directory;
  std::filesystem::path config;
  std::filesystem::path store;
  std::string domain;  ///< Empty: every domain of the store.
  bool json = false;
};
/// Writes the keys that sign, with the settings of another signer. 1: the directory is there, or
/// there is no key; 2: as order_key().
int export_keys(const ExportOrder& order);
/// `keys` with its subcommands; what they return goes to `status`.
void add_key_commands(CLI::App& app, int& status);

/// Asks for the password on the terminal (or reads a line) and prints the configuration lines.
int new_user(const std::string& name, bool json);

/// Makes a token of the admin API: prints the line for the file, and the token itself on standard
/// error. 64: no such name.
int new_token(const std::string& name, bool may_write, bool json);

/// Submits the message on standard input, as sendmail(1) does; its exit status is of sysexits.h.
int send(const std::vector<std::string>& arguments);

/// Writes every message of a stopped spool to `target`.
int export_queue(const std::filesystem::path& config, const std::filesystem::path& spool,
                 const std::filesystem::path& target);

/// Loads a configuration for a command; prints problems and gives nothing if there are any.
std::shared_ptr<const config::Settings> load_or_complain(const std::filesystem::path& file);
/// unusable_files(), printed.
std::vector<std::string> complain_of_files(const std::filesystem::path& file,
                                           const std::shared_ptr<const config::Settings>& settings);

/// Every metric of the program: name, kind, help and labels.
int list_metrics(bool json);

}  // namespace signet::commands
