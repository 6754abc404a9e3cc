// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The network that CRI-O is told to use by name ({@code cni_default_network}, crio.conf(5)): then it takes no other
 * one, whatever sorts first.
 *
 * @param name the network's name
 * @param file the file that says so
 */
record CrioNetwork(String name, Path file) {
    private static final Pattern SETTING =
            Pattern.compile("\\s*cni_default_network\\s*=\\s*(?:\"([^\"]*)\"|'([^']*)')\\s*(?:#.*)?");

    /** The one of a directory such as {@code /etc/crio}; of several settings the last one counts, as for CRI-O. */
    static Optional<CrioNetwork> in(Path directory) throws IOException {
        List<Path> files = new ArrayList<>(List.of(directory.resolve("crio.conf")));
        Path further = directory.resolve("crio.conf.d");
        if (Files.isDirectory(further)) {
            try (Stream<Path> entries = Files.list(further)) {
                entries.sorted().forEach(files::add);
            }
        }
        Optional<CrioNetwork> last = Optional.empty();
        for (Path file : files) {
            if (Files.isRegularFile(file) && Files.isReadable(file)) {
                for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
                    Matcher setting = SETTING.matcher(line);
                    if (setting.matches()) {
                        String name = setting.group(1) != null ? setting.group(1) : setting.group(2);
                        last = Optional.of(new CrioNetwork(name, file)).filter(named -> !name.isEmpty());
                    }
                }
            }
        }
        return last;
    }

    /** What there is to say if that is not the network into which our plugin is installed. */
    Optional<Finding> finding(ConfDirSnapshot dir, InstallSettings settings) {
        String said = "CRI-O uses the network " + name + " only (cni_default_network in " + file + ")";
        Optional<ConfFile.Valid> meant = dir.valid().stream()
                .filter(valid -> valid.list().name().equals(name))
                .findFirst();
        if (meant.isEmpty()) {
            return Optional.of(Finding.error(
                    said + ", and no file in " + dir.dir() + " has it", "correct cni_default_network, or remove it"));
        }
        return ChainedConf.base(dir, settings)
                .filter(base -> settings.chained() && !base.list().name().equals(name))
                .map(base -> Finding.error(
                        said + ", and " + settings.type() + " is installed into " + base.name() + ", the network "
                                + base.list().name() + ": pods are not redirected",
                        "set cni-conf-name to " + meant.get().name()));
    }
}
