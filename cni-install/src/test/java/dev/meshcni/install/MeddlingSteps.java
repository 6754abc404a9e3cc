// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.files.FileSteps;
import dev.meshcni.files.testkit.PassedOnSteps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Somebody else writes to a file once, just after we have decided what to write to it. */
final class MeddlingSteps extends PassedOnSteps {
    private final Path file;
    private final String content;
    private boolean done;

    MeddlingSteps(FileSteps steps, Path file, String content) {
        super(steps);
        this.file = file;
        this.content = content;
    }

    @Override
    public void before(String step, Path changed) throws IOException {
        if (!done && step.equals("setMetadata") && changed.getParent().equals(file.getParent())) {
            done = true;
            Files.writeString(file, content);
        }
    }
}
