#include "keys/export_keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "keys/durable_file.hpp"
#include "keys/secret_file.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;
using Domains = std::vector<std::shared_ptr<const SigningDomain>>;

std::string key_file(const SigningDomain& domain, const SigningKey& key, std::string_view ending) {
  return "keys/" + domain.name.text() + "." + key.selector + std::string(ending);
}

Result<Descriptor> make_folder(const fs::path& folder) {
  if (mkdir(folder.c_str(), 0700) != 0) {
    const bool is_there = errno == EEXIST;
    return fail(is_there ? Fault::bad_parameter : Fault::key_unavailable,
                folder.string() + ": " + (is_there ? "is there already" : std::strerror(errno)));
  }
  Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open())
    return fail(Fault::key_unavailable, folder.string() + ": " + std::strerror(errno));
  return opened;
}

Result<void> write_file(const Descriptor& folder, const fs::path& file, std::string_view text) {
  const auto written = write_durably(folder.get(), file, text, Existing::kept);
  return written ? Result<void>() : Result<void>(written.failure());
}

class Exporter {
 public:
  Exporter(const Domains& domains, const std::map<Domain, Domain>& parents, const fs::path& folder)
      : domains_(domains), parents_(parents), folder_(fs::absolute(folder)) {}

  Result<Exported> run(ExportFormat format) {
    const bool to_opendkim = format == ExportFormat::opendkim;
    const bool has_table = to_opendkim || has_parents();
    if (has_table && folder_.string().find(':') != std::string::npos)
      return fail(Fault::bad_parameter,
                  folder_.string() + ": a key table can't name a file with \":\" in its path");
    const auto top = make_folder(folder_);
    if (!top) return top.failure();
    const auto keys = make_folder(folder_ / "keys");
    if (!keys) return keys.failure();
    Exported exported;
    for (const auto& domain : domains_) {
      for (const SigningKey& key : active_keys(*domain)) {
        const bool fits = !has_table || &key == &domain->keys.front();
        (fits ? exported.written : exported.left_out).push_back({domain->name, key.selector});
        if (!fits) continue;
        const auto name = key_file(*domain, key, to_opendkim ? ".private" : ".key");
        const auto pem = key.key.to_pem();
        if (const auto written = write_file(*keys, folder_ / name, pem.view()); !written)
          return written.failure();
      }
    }
    const auto written = to_opendkim
                             ? write_opendkim(*top)
                             : write_file(*top, folder_ / "dkim_signing.conf", rspamd_settings());
    if (!written) return written.failure();
    return exported;
  }

 private:
  Result<void> write_opendkim(const Descriptor& top) {
    std::string keys;
    std::string signing;
    for (const auto& domain : domains_) {
      const SigningKey& key = domain->keys.front();
      const auto name = key.selector + "._domainkey." + domain->name.text();
      keys += name + " " + domain->name.text() + ":" + key.selector + ":" +
              (folder_ / key_file(*domain, key, ".private")).string() + "\n";
      for (const Domain& author : authors_of(domain->name))
        signing += "*@" + author.text() + " " + name + "\n";
    }
    const std::string settings = "Mode s\nCanonicalization relaxed/relaxed\nKeyTable file:" +
                                 (folder_ / "KeyTable").string() +
                                 "\nSigningTable refile:" + (folder_ / "SigningTable").string() +
                                 "\n";
    for (const auto& [name, text] :
         {std::pair{"KeyTable", keys}, {"SigningTable", signing}, {"opendkim.conf", settings}})
      if (const auto written = write_file(top, folder_ / name, text); !written) return written;
    return {};
  }

  /// rspamd finds the section by the author's domain, and signs with that name as d=: so there is
  /// no way to say that another domain signs, but the table of OpenDKIM's kind.
  std::string rspamd_settings() {
    std::string text = "use_esld = false;\ntry_fallback = false;\n";
    if (!has_parents()) {
      text += "domain {\n";
      for (const auto& domain : domains_) {
        text += "  \"" + domain->name.text() + "\" {\n    selectors [\n";
        for (const SigningKey& key : active_keys(*domain))
          text += "      { selector = \"" + key.selector + "\"; path = \"" +
                  (folder_ / key_file(*domain, key, ".key")).string() + "\"; },\n";
        text += "    ]\n  }\n";
      }
      return text + "}\n";
    }
    std::string signing;
    std::string keys;
    for (const auto& domain : domains_) {
      const SigningKey& key = domain->keys.front();
      keys += "  \"" + domain->name.text() + " " + domain->name.text() + ":" + key.selector + ":" +
              (folder_ / key_file(*domain, key, ".key")).string() + "\",\n";
      for (const Domain& author : authors_of(domain->name))
        signing += "  \"*@" + author.text() + " " + domain->name.text() + "\",\n";
    }
    return text + "signing_table = [\n" + signing + "];\nkey_table = [\n" + keys + "];\n";
  }

  [[nodiscard]] bool has_parents() const {
    return std::ranges::any_of(
        domains_, [&](const auto& domain) { return authors_of(domain->name).size() > 1; });
  }

  /// The domain itself and those it signs for.
  [[nodiscard]] std::vector<Domain> authors_of(const Domain& domain) const {
    std::vector<Domain> authors{domain};
    for (const auto& [author, signer] : parents_) {
      const bool has_own =
          std::ranges::any_of(domains_, [&](const auto& other) { return other->name == author; });
      if (signer == domain && !has_own) authors.push_back(author);
    }
    return authors;
  }

  const Domains& domains_;
  const std::map<Domain, Domain>& parents_;
  fs::path folder_;
};

}  // namespace

Result<Exported> export_keys(const Domains& domains, const std::map<Domain, Domain>& parents,
                             ExportFormat format, const fs::path& folder) {
  return Exporter(domains, parents, folder).run(format);
}

}  // namespace signet::keys
