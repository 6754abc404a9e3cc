// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A kind of machine that the plugin is made for. */
enum Architecture {
    AMD64("amd64", "x86_64"),
    ARM64("arm64", "aarch64");

    private final String label;
    private final String kernelName;

    Architecture(String label, String kernelName) {
        this.label = label;
        this.kernelName = kernelName;
    }

    /** The one of a name, as images and packages have it. */
    static Architecture of(String label) {
        return Arrays.stream(values())
                .filter(architecture -> architecture.label.equals(label))
                .findFirst()
                .orElseThrow(() -> new AssemblyException("no architecture " + label + "; known are "
                        + Arrays.stream(values()).map(Architecture::label).toList()));
    }

    /** The architecture of this machine. */
    static Architecture ofThisMachine() {
        String name = System.getProperty("os.arch");
        return of(name.equals(ARM64.kernelName) ? ARM64.label : name);
    }

    /** Its name in images and packages. */
    String label() {
        return label;
    }

    /** Programs that make static programs for it; the first one that is there is used. */
    List<String> compilers() {
        List<String> compilers = new ArrayList<>();
        if (this == ofThisMachine()) {
            compilers.add("musl-gcc");
        }
        compilers.add(kernelName + "-linux-musl-gcc");
        compilers.add(kernelName + "-linux-gnu-gcc");
        return compilers;
    }

    /** The remedy when none of them is there. */
    String remedy() {
        String debian = this == ofThisMachine() ? "musl-tools" : "gcc-" + kernelName.replace('_', '-') + "-linux-gnu";
        return "install one, on Debian by: apt-get install " + debian;
    }
}
