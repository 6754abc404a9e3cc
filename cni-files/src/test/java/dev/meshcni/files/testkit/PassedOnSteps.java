// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files.testkit;

import dev.meshcni.files.FileMetadata;
import dev.meshcni.files.FileSteps;
import java.io.IOException;
import java.nio.file.Path;

/** Steps that are those of another, with something that happens before each. */
public class PassedOnSteps implements FileSteps {
    private final FileSteps steps;

    public PassedOnSteps(FileSteps steps) {
        this.steps = steps;
    }

    /** Happens before each step; the file is the one that changes. */
    public void before(String step, Path file) throws IOException {}

    @Override
    public void makeDirectory(Path directory) throws IOException {
        before("makeDirectory", directory);
        steps.makeDirectory(directory);
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        before("write", file);
        steps.write(file, content);
    }

    @Override
    public void copy(Path from, Path to) throws IOException {
        before("copy", to);
        steps.copy(from, to);
    }

    @Override
    public void link(Path link, Path target) throws IOException {
        before("link", link);
        steps.link(link, target);
    }

    @Override
    public void setMetadata(Path file, FileMetadata metadata) throws IOException {
        before("setMetadata", file);
        steps.setMetadata(file, metadata);
    }

    @Override
    public void sync(Path path) throws IOException {
        before("sync", path);
        steps.sync(path);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        before("rename", to);
        steps.rename(from, to);
    }

    @Override
    public void exchange(Path one, Path other) throws IOException {
        before("exchange", other);
        steps.exchange(one, other);
    }

    @Override
    public void renameNew(Path from, Path to) throws IOException {
        before("renameNew", to);
        steps.renameNew(from, to);
    }

    @Override
    public void deleteTree(Path directory) throws IOException {
        before("deleteTree", directory);
        steps.deleteTree(directory);
    }

    @Override
    public void delete(Path path) throws IOException {
        before("delete", path);
        steps.delete(path);
    }
}
